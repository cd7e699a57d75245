/**
 * The id of an object's version. Undefined in a bucket that keeps none: S3 names none there or, where versioning is suspended, "null" (S3 user
 * guide, "Adding objects to versioning-suspended buckets"), as emulators do in each.
 */
export function toVersionId(said: unknown): string | undefined {
  return typeof said === "string" && said !== "" && said !== "null" ? said : undefined;
}
