/** One promise of a port as data, so that any runner and the simulator can check it. */
export interface ConformanceCase<Port> {
  /** A sentence about behaviour. */
  readonly name: string;
  /** Throws when the promise is broken. Each case creates a new port and ends it. */
  run(create: () => Promise<Port>): Promise<void>;
}

/** Returns a case that receives its port. */
export function portCase<Port>(name: string, run: (port: Port) => Promise<void>): ConformanceCase<Port> {
  return { name, run: async (create) => run(await create()) };
}
