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
type Counts = Readonly<Record<TabId, number | undefined>>;

/** The parts that need a person, in the order in which they are shown below each other: others wait for something else. */
const NEEDY = ["failed", "degraded", "approvals", "parked", "dead"] as const;

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
  const tab = TABS.find((id) => id === search["tab"]);
  const counts = useCounts();
  return (
    <Page title="Inbox">
      <nav className="tabs" aria-label="Parts of the inbox">
        <To path="/inbox" search={{ tab: undefined }} current={tab === undefined}>
          All
        </To>
        {TABS.map((id) => (
          <To
            key={id}
            path="/inbox"
            search={{ tab: id }}
            current={id === tab}
            {...(counts[id] === 0 && { className: "none" })}
          >
            <Mark status={LOOKS[id][0]} word={`${LOOKS[id][1]} ${counts[id]?.toLocaleString("en") ?? ""}`.trim()} />
          </To>
        ))}
      </nav>
      {tab === undefined ? <NeedyParts counts={counts} /> : <Part id={tab} isFirst />}
    </Page>
  );
}

/** Renders the parts that have something, while nothing is counted the first one. The first cause of the first part is open. */
function NeedyParts({ counts }: { counts: Counts }) {
  const parts = NEEDY.filter((id) => (counts[id] ?? (id === "failed" ? 1 : 0)) > 0);
  if (parts.length === 0) return <Empty>Nothing needs you.</Empty>;
  return parts.map((id, index) => <Part key={id} id={id} isFirst={index === 0} />);
}

function Part({ id, isFirst }: { id: TabId; isFirst: boolean }) {
  if (id === "waiting") return <WaitingPanel />;
  if (id === "approvals") return <OpenApprovals />;
  return <CausePanel key={id} kind={id} opensFirst={isFirst} />;
}

/** Returns the count of each tab; undefined while unknown. */
function useCounts(): Counts {
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
