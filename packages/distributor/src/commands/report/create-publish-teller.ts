import type { Clock, CommandOutput } from "@stackyard/core";
import type { PublishProgress } from "@stackyard/sdk/artifacts";
import { tellPublishing, toPublishPicture } from "./tell-publish.ts";

const EVERY_MS = 1_000;
const LINE_EVERY_MS = 10_000;

/** Tells how far a publication is: to a terminal and with `--json` once a second, as lines of a pipe every ten seconds. */
export function createPublishTeller(
  out: CommandOutput,
  clock: Pick<Clock, "now">,
): (progress: PublishProgress) => void {
  let [phase, told, lined, line] = ["", Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY, ""];
  return (progress) => {
    const now = clock.now();
    const isNew = progress.phase !== phase;
    if (!isNew && now - told < EVERY_MS) return;
    if (isNew || now - lined >= LINE_EVERY_MS) [lined, line] = [now, tellPublishing(progress)];
    [phase, told] = [progress.phase, now];
    out.progress(
      { kind: "publish", ...progress },
      () => line,
      (columns) => toPublishPicture(progress, columns),
    );
  };
}
