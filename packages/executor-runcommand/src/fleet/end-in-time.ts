import { FleetError } from "./fleet-error.ts";

/**
 * What the work gives, or `FLEET_OUT_OF_TIME` once the signal is aborted: a function that Lambda ends tells nobody anything,
 * and CodePipeline would wait for twenty minutes. The work itself goes on.
 */
export async function endInTime<Value>(signal: AbortSignal, work: () => Promise<Value>): Promise<Value> {
  const ended = Promise.withResolvers<never>();
  const end = () => ended.reject(toOutOfTime());
  if (signal.aborted) end();
  signal.addEventListener("abort", end, { once: true });
  try {
    return await Promise.race([work(), ended.promise]);
  } finally {
    signal.removeEventListener("abort", end);
  }
}

/** Nobody could do it in the time that was left. */
export function toOutOfTime(): FleetError {
  const message = "The function's time was over before the job could be answered. Give it more time, or memory.";
  return new FleetError({ code: "FLEET_OUT_OF_TIME", message });
}
