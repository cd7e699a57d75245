import type { SimCall, SimService } from "../sim-call.ts";

/** A service that sees the instances of groups: each call sees all that groups have done until then. */
export function afterCatchUp(service: SimService, catchUp: (now: number) => void): SimService {
  const operations = Object.entries(service.operations).map(([name, serve]) => {
    const operation = (call: SimCall) => {
      catchUp(call.now);
      return serve(call);
    };
    return [name, operation] as const;
  });
  return { ...service, operations: Object.fromEntries(operations) };
}
