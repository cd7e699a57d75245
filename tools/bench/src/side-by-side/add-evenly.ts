import type { Connection } from "./contender.ts";
import { type Instants, now, pause } from "./instants.ts";

/** Adds jobs one by one at an even rate, without waiting for the ones before; returns when each was requested. */
export async function addEvenly(
  connection: Pick<Connection, "addOne">,
  { first, rate, count }: { readonly first: number; readonly rate: number; readonly count: number },
): Promise<Instants> {
  const sent: [number, number][] = [];
  const adding: Promise<void>[] = [];
  const startedAt = now();
  while (sent.length < count) {
    const due = Math.min(count, Math.floor(((now() - startedAt) / 1_000) * rate) + 1);
    while (sent.length < due) {
      const index = first + sent.length;
      sent.push([index, now()]);
      adding.push(connection.addOne(index));
    }
    await pause(1);
  }
  await Promise.all(adding);
  return sent;
}
