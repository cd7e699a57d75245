/** As `publishArtifact` divides files up to 156 GiB. */
export const PART_BYTES: number = 16 * 1_048_576;

/** First and last byte of each part of a file of so many bytes. */
export function sliceParts(bytes: number): readonly { readonly from: number; readonly to: number }[] {
  return Array.from({ length: Math.ceil(bytes / PART_BYTES) }, (_, index) => ({
    from: index * PART_BYTES,
    to: Math.min(bytes, (index + 1) * PART_BYTES) - 1,
  }));
}
