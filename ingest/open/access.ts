/** What a load may reach, and how long and how much: decided by the program's owner, see src/source-access.ts. */
export interface SourceAccess {
  /** Folder for what has to be downloaded before it can be read. */
  downloads: string
  /** Hosts (`data.example`, or with a port `data.example:8443`) that may have private addresses and speak plain http. */
  hosts: string[]
  /** Folders, links followed, beyond which a source is not read that somebody asked for over HTTP. */
  roots: string[]
  /** Sources that the owner configured: their links lead where the owner wants. */
  configured: string[]
  s3: { endpoint: string | undefined; region: string }
  /** The most that a load takes from elsewhere, and the most that it unpacks. */
  maxBytes: number
  /** The longest that a load waits for others' servers, in all. */
  maxSeconds: number
  patience?: Patience
}

/** How a server is treated that is slow, busy or gone. */
export interface Patience {
  /** Tries in a row that bring nothing new. */
  tries: number
  /** The wait after the first of them; each later one is twice as long, up to `longestWaitMs`. */
  firstWaitMs: number
  longestWaitMs: number
  connectMs: number
  /** Without a byte for so long, a connection counts as dead. */
  stallMs: number
}

export const PATIENCE: Patience = {
  tries: 5,
  firstWaitMs: 500,
  longestWaitMs: 30_000,
  connectMs: 15_000,
  stallMs: 60_000,
}
