/** What a mapping does with the messages of a batch: those are hidden until their visibility time-out ends, the rest is deleted. */
export type BatchAnswer =
  | { readonly kind: "partly"; readonly failed: ReadonlySet<string> }
  | { readonly kind: "all-failed"; readonly why: string };

/**
 * Reads what a function answered to a batch as Lambda does. Source: "Handling errors for an SQS event source in Lambda",
 * success and failure conditions: an empty list, null, an empty object or no answer are a complete success; an empty or null
 * `itemIdentifier`, one that is not of the batch, or a wrong key is a complete failure. Without `ReportBatchItemFailures` an
 * answer is not read at all.
 */
export function toBatchAnswer(answer: unknown, messageIds: readonly string[], reportsFailures: boolean): BatchAnswer {
  const none: BatchAnswer = { kind: "partly", failed: new Set() };
  if (!reportsFailures || typeof answer !== "object" || answer === null) return none;
  const failures: unknown = Reflect.get(answer, "batchItemFailures");
  if (failures === undefined || failures === null) return none;
  if (!Array.isArray(failures)) return { kind: "all-failed", why: "batchItemFailures is no list." };
  const known = new Set(messageIds);
  const failed = failures.map((failure: unknown) => Reflect.get(Object(failure), "itemIdentifier"));
  const wrong = failed.find((id) => !known.has(id));
  if (failed.some((id) => !known.has(id))) {
    return { kind: "all-failed", why: `${JSON.stringify(wrong)} is no message of the batch.` };
  }
  return { kind: "partly", failed: new Set(failed) };
}
