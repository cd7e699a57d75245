import type { DistributorAnswers, DistributorRequest } from "@stackyard/sdk/artifacts";
import { openCoverage } from "../cells/coverage-record.ts";
import { findVersion, listVersions } from "../cells/versions.ts";
import type { DistributorContext } from "../function/distributor-context.ts";
import { changeArtifact } from "../publish/change-artifact.ts";
import { listExpecting } from "../registry/consumers.ts";
import { inParallel } from "../registry/in-parallel.ts";
import { unknownVersion } from "./call-error.ts";

const WIDTH = 10;
const AGREED = "retire";

/** The version is expected nowhere from now on; consumers that agreed to it are told to delete it. May be repeated: they are told again. */
export async function retire(
  context: DistributorContext,
  { name, version }: Extract<DistributorRequest, { readonly op: "retire" }>,
): Promise<DistributorAnswers["retire"]> {
  const found = await findVersion(context, { name, version });
  const published = found && (await context.loadPublished(name, version));
  if (published === undefined) throw unknownVersion({ name, version });
  const retiredAt = new Date(context.clock.now()).toISOString();
  await changeArtifact(context, { name, version }, (known) => ({ ...known, retiredAt: known.retiredAt ?? retiredAt }));
  await openCurrent(context, name);
  const consumers = await listExpecting(context, context.trust);
  const agreed = consumers.filter(({ capabilities }) => capabilities.includes(AGREED));
  const sent = await inParallel(agreed, WIDTH, ({ account, region }) =>
    context.announcer.announceRetirement(published, { account, region }),
  );
  return { retired: true, messages: sent.reduce((sum, each) => sum + each, 0) };
}

/** The version before is expected again, also at those who have come since it stood everywhere: the sweep looks for them. */
async function openCurrent(context: DistributorContext, name: string): Promise<void> {
  for (const each of await listVersions(context, name)) if (each.isCurrent) await openCoverage(context, each);
}
