/** Serves a call in its own way: before, instead of, or after what the service does (`proceed`). */
export type Behaviour = (proceed: () => Promise<unknown>) => Promise<unknown>;

/** Behaviours that wait for their calls. */
export interface StacksOfBehaviour {
  add(operation: string, behaviour: Behaviour): void;
  serve(operation: string, proceed: () => Promise<unknown>): Promise<unknown>;
}

/** Per operation, each is used once, in order. */
export function createStacksOfBehaviour(): StacksOfBehaviour {
  const waiting = new Map<string, Behaviour[]>();
  return {
    add(operation, behaviour) {
      waiting.set(operation, [...(waiting.get(operation) ?? []), behaviour]);
    },
    serve(operation, proceed) {
      const next = waiting.get(operation)?.shift();
      return next === undefined ? proceed() : next(proceed);
    },
  };
}
