/** What makes two records the same film where the source has no ids: the title, whatever its case and spacing, and the date or year. */
export function titleKey(title: string, released: string | null): string {
  return `${title.normalize('NFC').toLowerCase().replace(/\s+/g, ' ').trim()}|${released ?? ''}`
}
