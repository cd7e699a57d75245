/** A load that is done once, when it is first asked for; one that failed is done again by the next who asks. */
export function createRemembered<Value>(load: () => Promise<Value>): Remembered<Value> {
  let loading: Promise<Value> | undefined;
  let known: Value | undefined;
  return {
    known: () => known,
    get() {
      loading ??= load().then(
        (value) => {
          known = value;
          return value;
        },
        (error: unknown) => {
          loading = undefined;
          throw error;
        },
      );
      return loading;
    },
  };
}

/** A value and whether it is there yet. */
export interface Remembered<Value> {
  get(): Promise<Value>;
  known(): Value | undefined;
}
