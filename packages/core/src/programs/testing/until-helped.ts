import { writeFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import type { ProgramStarter } from "../program-starter.ts";

/** Starts programs until the small process takes them; returns its number. Makes the files `out` and `err` in `folder`, empty. */
export async function untilHelped(starter: ProgramStarter, folder: string): Promise<number> {
  for (;;) {
    for (const name of ["out", "err"]) writeFileSync(`${folder}/${name}`, "");
    const pid = starter.helperPid();
    if (pid !== undefined) return pid;
    const none = { cwd: folder, environment: {}, out: `${folder}/out`, err: `${folder}/err` };
    const { ended } = await starter.start({ binary: "/bin/true", arguments: [], ...none });
    await ended;
    await delay(20);
  }
}
