/** A source that cannot be loaded, in a sentence for whoever named it. */
export class SourceError extends Error {
  /** Whether the same source may do another time. */
  readonly retriable: boolean
  constructor(message: string, retriable = false) {
    super(message)
    this.retriable = retriable
  }
}
