import { countOf, useConditionCounts } from "../api/use-condition-counts.ts";
import { To, useSearch } from "../design/links.tsx";
import { Mark, type Status } from "../design/mark.tsx";
import { Empty, Page } from "../design/page.tsx";
import { CausePanel, useCauses } from "./cause-panel.tsx";
import { OpenApprovals } from "./open-approvals.tsx";
import { WaitingPanel } from "./waiting-panel.tsx";
import "./inbox.css";

const TABS = ["failed", "degraded", "waiting", "parked", "dead", "approvals"] as const;
type TabId = (typeof TABS)[number];

const LOOKS: Readonly<Record<TabId, readonly [Status, string]>> = {
  failed: ["failed", "Failed"],
  degraded: ["degraded", "Degraded"],
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
          <To
            key={id}
            path="/inbox"
            search={{ tab: id === "failed" ? undefined : id }}
            current={id === tab}
            {...(counts[id] === 0 && { className: "none" })}
          >
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
  const { data } = useConditionCounts();
  const parked = useCauses("parked").data?.examined;
  const dead = useCauses("dead").data?.examined;
  const count = (condition: string) => data && countOf(data, condition);
  return {
    failed: count("failed"),
    degraded: count("degraded"),
    waiting: count("waiting"),
    parked,
    dead,
    approvals: count("approval"),
  };
}
