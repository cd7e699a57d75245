/** Runs calls of one key one after the other. */
export type Serializer = <Result>(key: string, run: () => Promise<Result>) => Promise<Result>;

/** Writers of one process that want the same item would only make each other try again. */
export function createSerializer(): Serializer {
  const tails = new Map<string, Promise<unknown>>();
  return (key, run) => {
    const result = (tails.get(key) ?? Promise.resolve()).then(run, run);
    tails.set(key, result);
    const forget = () => {
      if (tails.get(key) === result) tails.delete(key);
    };
    result.then(forget, forget);
    return result;
  };
}
