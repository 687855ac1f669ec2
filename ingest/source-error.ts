/** A source that cannot be loaded, in a sentence for whoever named it. */
export class SourceError extends Error {
  /** Whether the same source may do another time: the network failed, or it was being written. */
  readonly retriable: boolean
  constructor(message: string, retriable = false, options?: ErrorOptions) {
    super(message, options)
    this.retriable = retriable
  }
}
