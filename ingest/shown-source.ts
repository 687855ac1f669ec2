import path from 'node:path'

/** What outsiders may know of a source: its last name, without folder, credentials or query. */
export function shownSource(uri: string): string {
  const [, scheme] = /^([a-z][a-z\d+.-]+):\/\//i.exec(uri) ?? []
  if (scheme && scheme.toLowerCase() !== 'file') {
    // What cannot be taken apart may hold a password anywhere.
    if (!URL.canParse(uri)) return `${scheme}://…`
    const { protocol, host, pathname } = new URL(uri)
    return `${protocol}//${host}${pathname}`
  }
  // Not through the file system's rules: what cannot be opened must still be shown.
  return path.posix.basename(uri.replace(/^file:/i, '').replaceAll('\\', '/'))
}
