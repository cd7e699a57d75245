/** Tags as AWS lists them, as a map. A tag without a key is none; one without a value is empty. */
export function toTagMap(
  tags: readonly { readonly Key?: string | undefined; readonly Value?: string | undefined }[] = [],
): Readonly<Record<string, string>> {
  const named = tags.filter(({ Key }) => Key !== undefined).map(({ Key = "", Value = "" }) => [Key, Value] as const);
  return Object.fromEntries(named);
}
