/** The id of another package's message, where it may be that of the stored one too. */
export function usableId(id: unknown): { readonly id?: string } {
  if (typeof id !== 'string' || id === '' || !id.isWellFormed()) return {}
  return Buffer.byteLength(id) <= 128 ? { id } : {}
}
