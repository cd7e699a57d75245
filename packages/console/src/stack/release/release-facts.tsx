import type { HistoryEntry, StackDetails } from "@stackyard/sdk";
import { TextLink, To } from "../../design/links.tsx";
import { isPlanDigest } from "../../design/release/plan-digest.ts";
import { PlanName } from "../../design/release/plan-name.tsx";
import { VersionFacts } from "../../design/release/release-versions.tsx";
import { Day, Text } from "../../design/text.tsx";
import { ReleaseNeighbours } from "./release-neighbours.tsx";
import { findApproval, findStarter } from "./release-people.ts";
import "../../design/run/run-head.css";

interface ReleaseFactsProps {
  readonly stack: StackDetails;
  /** The newest lines of its history, newest first. */
  readonly entries: readonly HistoryEntry[];
  /** The digest of the plan that it follows. */
  readonly plan: string | undefined;
}

/** Renders which versions a release brings, who started and approved it, which plan it follows, and the releases next to it. */
export function ReleaseFacts({ stack, entries, plan }: ReleaseFactsProps) {
  const { machine, machineHash } = stack;
  const starter = findStarter(entries);
  // While an approval is open, an earlier one does not count.
  const approval = (stack.approvals ?? []).length > 0 ? undefined : findApproval(entries);
  return (
    <div className="run-head">
      <dl aria-label="About the release">
        <div>
          <dt>Machine</dt>
          <dd>
            <TextLink path="/machine" search={{ name: machine }} text={`${machine}@${machineHash.slice(0, 4)}`} />
          </dd>
        </div>
        <VersionFacts release={stack.id} />
        <div>
          <dt>Started</dt>
          <dd>
            <Day at={stack.createdAt} /> {starter !== undefined && <Text>{`by ${starter}`}</Text>}
          </dd>
        </div>
        {approval !== undefined && (
          <div>
            <dt>Approved</dt>
            <dd>
              <Day at={approval.at} /> <Text>{`by ${approval.by.join(", ")}`}</Text>
            </dd>
          </div>
        )}
        {isPlanDigest(plan) && (
          <div>
            <dt>Plan</dt>
            <dd>
              <To path="/plan" search={{ stack: stack.id, plan }}>
                <PlanName of={plan} />
              </To>
            </dd>
          </div>
        )}
        <ReleaseNeighbours stack={stack} />
      </dl>
    </div>
  );
}
