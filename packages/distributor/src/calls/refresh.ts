import type { ConsumerPlace, DistributorAnswers, DistributorRequest } from "@stackyard/sdk/artifacts";
import { changeCell, listCells } from "../cells/cells.ts";
import { openCoverage } from "../cells/coverage-record.ts";
import { toPlaceKey } from "../cells/decide-covered.ts";
import { expectedConsumers } from "../cells/expected-consumers.ts";
import { isDone } from "../cells/to-coverage-cell.ts";
import { findVersion, type ListedVersion } from "../cells/versions.ts";
import type { DistributorContext } from "../function/distributor-context.ts";
import type { ConsumerRecord } from "../registry/consumer-record.ts";
import { findConsumer, listExpecting } from "../registry/consumers.ts";
import { inParallel } from "../registry/in-parallel.ts";
import { judgeTrust } from "../trust/judge-trust.ts";
import { refuse, unknownConsumer, unknownVersion } from "./call-error.ts";

/** The announcer keeps the pace of each consumer. */
const WIDTH = 10;

/** Announces a version again with fresh URLs: to one consumer, or to all that lack it. Failures from before count no more. */
export async function refresh(
  context: DistributorContext,
  { name, version, account, region }: Extract<DistributorRequest, { readonly op: "refresh" }>,
): Promise<DistributorAnswers["refresh"]> {
  const found = await findVersion(context, { name, version });
  const published = found && (await context.loadPublished(name, version));
  if (found === undefined || published === undefined) throw unknownVersion({ name, version });
  if (found.retired) throw refuse("ARTIFACT_RETIRED", `The version ${version} of ${name} is retired.`);
  const isOne = account !== undefined && region !== undefined;
  const places = isOne ? [await findOne(context, { account, region })] : await findLacking(context, found);
  const subject = { name, version, manifestSha256: found.record.manifestSha256, files: found.record.files };
  const at = context.clock.now();
  const sent = await inParallel(places, WIDTH, async (place) => {
    await changeCell(context, subject, place, () => [
      { kind: "announced", at, scope: "all", bucket: place.bucket ?? undefined },
    ]);
    return context.announcer.announce(published, { account: place.account, region: place.region });
  });
  await openCoverage(context, found);
  return { files: found.record.files, messages: sent.reduce((sum, each) => sum + each, 0) };
}

async function findOne(context: DistributorContext, place: ConsumerPlace): Promise<ConsumerRecord> {
  const verdict = judgeTrust(place.account, context.trust, "stamped");
  if (verdict.kind === "rejected") throw refuse(verdict.code, verdict.reason);
  const consumer = await findConsumer(context, place);
  if (consumer === undefined) throw unknownConsumer(place);
  return consumer;
}

async function findLacking(context: DistributorContext, version: ListedVersion): Promise<readonly ConsumerRecord[]> {
  const [consumers, cells] = [await listExpecting(context, context.trust), await listCells(context, version)];
  const done = new Set(cells.filter(isDone).map(toPlaceKey));
  const expected = expectedConsumers({ version, isCurrent: version.isCurrent, consumers, cells });
  return expected.filter((place) => !done.has(toPlaceKey(place)));
}
