import type { PreviewLink } from "@stackyard/core/services";
import { digestOf } from "../describe-delivery.ts";
import type { ReportKind } from "../host-options.ts";
import type { PreviewFacts } from "./describe-preview.ts";
import { renderCheck, renderReplacedCheck, renderUntrustedCheck, toDeployment } from "./render-check.ts";
import type { HostCheck, HostDeployment, PullPlace, ReportHost } from "./report-host.ts";
import type { StoredReport, StoredStatus } from "./report-records.ts";

/** An outdated check or deployment. */
export interface StatusWrite {
  /** Its key in the record of the pull request. */
  readonly key: string;
  /** Requests that it takes at most. */
  readonly writes: number;
  /** Writes it, and returns the record. */
  write(): Promise<StoredStatus>;
}

/** A stack of a pull request. */
export interface LinkedPreview {
  readonly link: Pick<PreviewLink, "stackId" | "head">;
  readonly preview: PreviewFacts;
  /** The stack was sent the commit of the link. Nothing is said about another commit. */
  readonly isSent: boolean;
}

/** What statuses are written with. */
export interface StatusDeps {
  readonly reports: ReportHost;
  readonly yardId: string;
  readonly kinds: ReadonlySet<ReportKind>;
}

/** Returns the checks and deployments of a pull request that must be written. */
export function listStatusWrites(
  deps: StatusDeps,
  report: StoredReport,
  linked: readonly LinkedPreview[],
): readonly StatusWrite[] {
  const { place, head, isUntrusted, statuses = {} } = report;
  const sent = linked.filter(({ isSent }) => isSent);
  const checks = sent.map((each) => toCheck(deps, place, { ...each, known: statuses[`check ${each.link.stackId}`] }));
  const untrusted = renderUntrustedCheck(head);
  const trust = isUntrusted
    ? [toCheckWrite(deps, place, { key: "check", check: untrusted, known: statuses["check"] })]
    : [];
  const deployments = sent.map((each) =>
    toDeploymentWrite(deps, place, { ...each, known: statuses[`deployment ${each.link.stackId}`] }),
  );
  const wanted = [
    ...(deps.kinds.has("check") ? [...checks, ...trust] : []),
    ...(deps.kinds.has("deployment") ? deployments : []),
  ];
  return wanted.filter((write) => write !== undefined);
}

interface Known {
  readonly known: StoredStatus | undefined;
}

function toCheck(deps: StatusDeps, place: PullPlace, { link, preview, known }: LinkedPreview & Known) {
  // A stack that ended under a commit without a report needs no check.
  if (preview.phase === "ended" && known?.head !== link.head) return undefined;
  return toCheckWrite(deps, place, { key: `check ${link.stackId}`, check: renderCheck(preview, link.head), known });
}

function toCheckWrite(
  { reports }: StatusDeps,
  place: PullPlace,
  { key, check, known }: Known & { readonly key: string; readonly check: HostCheck },
): StatusWrite | undefined {
  const { head } = check;
  const hash = digestOf(check);
  if (known?.head === head && known.hash === hash) return undefined;
  return {
    key,
    writes: 2,
    async write() {
      if (known !== undefined && known.head !== head && known.isOpen) {
        await reports.updateCheck(place, known.id, renderReplacedCheck({ ...check, head: known.head }));
      }
      const id = await writeOnce(known?.head === head ? known.id : undefined, {
        find: () => reports.findCheck(place, check),
        update: (found) => reports.updateCheck(place, found, check),
        create: () => reports.createCheck(place, check),
      });
      return { head, id, hash, isOpen: check.conclusion === undefined };
    },
  };
}

const REPLACED: HostDeployment = { state: "replaced", description: "Replaced" };

function toDeploymentWrite(
  { reports, yardId }: StatusDeps,
  place: PullPlace,
  { link, preview, known }: LinkedPreview & Known,
): StatusWrite | undefined {
  const { stackId, head } = link;
  const deployment = toDeployment(preview);
  const hash = digestOf(deployment);
  const isSame = known?.head === head && known.hash === hash;
  if (isSame || (preview.phase === "ended" && known === undefined)) return undefined;
  const subject = { head, stackId, yardId };
  return {
    key: `deployment ${stackId}`,
    writes: 3,
    async write() {
      if (known !== undefined && known.head !== head && known.isOpen) {
        await reports.setDeployment(place, known.id, REPLACED);
      }
      const id = await writeOnce(known?.head === head ? known.id : undefined, {
        find: () => reports.findDeployment(place, subject),
        update: (found) => reports.setDeployment(place, found, deployment),
        async create() {
          // Removed together with its subject.
          if (deployment.state === "inactive") return known?.id ?? 0;
          const created = await reports.createDeployment(place, subject);
          await reports.setDeployment(place, created, deployment);
          return created;
        },
      });
      return { head, id, hash, isOpen: deployment.state !== "inactive" };
    },
  };
}

interface Once {
  find(): Promise<number | undefined>;
  /** Updates it; returns false when it does not exist any more. */
  update(id: number): Promise<boolean>;
  create(): Promise<number>;
}

/** Looks for what may have been written before a crash, and creates it only when it is missing. */
async function writeOnce(known: number | undefined, { find, update, create }: Once): Promise<number> {
  const id = known ?? (await find());
  return id !== undefined && (await update(id)) ? id : create();
}
