import type { Release } from "@stackyard/sdk/releases";
import { tellRelease } from "../report/tell-release.ts";
import { toCell } from "../report/to-cell.ts";
import type { ReleaseContext } from "./release-command.ts";

/** Prints a release as it stands or has ended, and what to do next where it has left something behind. */
export function showRelease({ out }: Pick<ReleaseContext, "out">, release: Release): void {
  out.result({ release }, () => tellRelease(release));
  const { end, project, config, account, region } = release;
  if (end !== "FailureDirty") return;
  const where = `${toCell(project, 255)} ${toCell(config, 255)} --account ${account} --region ${region}`;
  out.note(`Its lock is kept, so nobody deploys there. See what is left: stackyard release repair ${where}`);
}
