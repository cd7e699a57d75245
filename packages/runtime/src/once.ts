/** Does something once: later calls share its answer. What fails is done again by the next call. */
export function createOnce<Value>(run: () => Promise<Value>): () => Promise<Value> {
  let value: Promise<Value> | undefined;
  return () => {
    value ??= run().catch((error: unknown) => {
      value = undefined;
      throw error;
    });
    return value;
  };
}
