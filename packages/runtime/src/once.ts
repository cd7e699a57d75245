/** Runs a function once: later calls share its result. After a failure the next call runs it again. */
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
