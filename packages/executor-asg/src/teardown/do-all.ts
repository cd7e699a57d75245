import { ReleaseError, type ReleaseFailureCode } from "../release-error.ts";

/** Does the work for each, whatever becomes of the others; then throws the first error, with the words of all. */
export async function doAll<Item>(items: readonly Item[], work: (item: Item) => Promise<void>): Promise<void> {
  const errors: unknown[] = [];
  for (const item of items) await work(item).catch((error: unknown) => errors.push(error));
  throwFirst(errors);
}

function throwFirst(errors: readonly unknown[]): void {
  const [first] = errors;
  if (first === undefined) return;
  if (!(first instanceof ReleaseError) || errors.length === 1) throw first;
  const code: ReleaseFailureCode = first.releaseCode;
  const message = errors.map((error) => (error instanceof Error ? error.message : String(error))).join("\n");
  throw new ReleaseError(code, message, { cause: first });
}
