import type { Cause } from "@stackyard/sdk";
import { yard } from "../api/client.ts";
import { keys } from "../api/keys.ts";
import { useConditionCounts } from "../api/use-condition-counts.ts";
import { useLoad } from "../api/use-load.ts";
import { To, useSearch } from "../design/links.tsx";
import { Mark, type Status } from "../design/mark.tsx";
import { Empty, Page } from "../design/page.tsx";
import { CausePanel } from "./cause-panel.tsx";
import { OpenApprovals } from "./open-approvals.tsx";
import { WaitingPanel } from "./waiting-panel.tsx";
import "./inbox.css";

const TABS = ["failed", "waiting", "parked", "dead", "approvals"] as const;
type TabId = (typeof TABS)[number];

const LOOKS: Readonly<Record<TabId, readonly [Status, string]>> = {
  failed: ["failed", "Failed"],
  waiting: ["waiting", "Waiting"],
  parked: ["parked", "Parked"],
  dead: ["dead-letter", "Dead letters"],
  approvals: ["approval", "Approvals"],
};

/** Renders everything that needs a person, by its cause. */
export function InboxPage() {
  const search = useSearch();
  const tab = TABS.find((id) => id === search["tab"]) ?? "failed";
  const counts = useCounts();
  const isEmpty = TABS.every((id) => counts[id] === 0);
  return (
    <Page title="Inbox">
      <nav className="tabs" aria-label="Parts of the inbox">
        {TABS.map((id) => (
          <To key={id} path="/inbox" search={{ tab: id === "failed" ? undefined : id }} current={id === tab}>
            <Mark status={LOOKS[id][0]} word={`${LOOKS[id][1]} ${counts[id]?.toLocaleString("en") ?? ""}`.trim()} />
          </To>
        ))}
      </nav>
      {isEmpty ? <Empty>Nothing needs you.</Empty> : <Shown tab={tab} />}
    </Page>
  );
}

function Shown({ tab }: { tab: TabId }) {
  if (tab === "waiting") return <WaitingPanel />;
  if (tab === "approvals") return <OpenApprovals />;
  return <CausePanel key={tab} kind={tab} />;
}

/** Returns the count of each tab; undefined while unknown. */
function useCounts(): Readonly<Record<TabId, number | undefined>> {
  const conditions = useConditionCounts();
  const parked = useCauseCount("parked");
  const dead = useCauseCount("dead");
  const countOf = (name: string) => {
    if (conditions.data === undefined) return undefined;
    return conditions.data.groups.find(({ condition }) => condition === name)?.count ?? 0;
  };
  return { failed: countOf("failed"), waiting: countOf("waiting"), parked, dead, approvals: countOf("approval") };
}

function useCauseCount(kind: Cause["kind"]): number | undefined {
  const { data } = useLoad(keys.count("causes", { kind }), ({ signal }) => yard.causes({ kind, limit: 100, signal }));
  return data?.examined;
}
