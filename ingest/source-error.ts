/** A source that cannot be loaded, in a sentence for whoever named it. */
export class SourceError extends Error {}
