const PORTS: Record<string, string> = { 'http:': '80', 'https:': '443' }

/** Whether SOURCE_HOSTS names a URL's host: `data.example` with all its ports, `data.example:8443` with that one only. */
export function isNamedHost({ protocol, hostname, port }: URL, hosts: string[]): boolean {
  const names = [hostname, `${hostname}:${port || PORTS[protocol]}`]
  return hosts.some((host) => names.includes(host.toLowerCase()))
}
