import { countOf, useConditionCounts } from "../api/use-condition-counts.ts";
import { type Count, toCount } from "../api/use-load.ts";
import { To, useSearch } from "../design/links.tsx";
import { Mark, type Status } from "../design/mark.tsx";
import { MissingNotice, Page } from "../design/page.tsx";
import { CausePanel, useCauses } from "./cause-panel.tsx";
import { OpenApprovals } from "./open-approvals.tsx";
import { WaitingPanel } from "./waiting-panel.tsx";
import "./inbox.css";

const TABS = ["failed", "degraded", "waiting", "parked", "dead", "approvals"] as const;
type TabId = (typeof TABS)[number];
type Counts = Readonly<Record<TabId, Count>>;

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
  const conditions = useConditionCounts();
  const counts = useCounts(conditions);
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
            <Mark status={LOOKS[id][0]} word={`${LOOKS[id][1]} ${formatTabCount(counts[id])}`.trim()} />
          </To>
        ))}
      </nav>
      <MissingNotice query={conditions} />
      {tab === undefined ? <NeedyParts counts={counts} /> : <Part id={tab} isFirst />}
    </Page>
  );
}

/** The count of a tab: a dash where it could not be loaded. */
function formatTabCount(count: Count): string {
  if (count === "loading") return "";
  return count === "failed" ? "–" : count.toLocaleString("en");
}

/**
 * Renders the parts that have something, and those of which that could not be loaded, with their error; while nothing is known, the first one.
 * The first cause of the first part is open.
 */
function NeedyParts({ counts }: { counts: Counts }) {
  const known = NEEDY.filter((id) => counts[id] !== "loading");
  const needy = known.filter((id) => counts[id] !== 0);
  const isWhole = known.length === NEEDY.length;
  const parts = needy.length === 0 && !isWhole ? NEEDY.filter((id) => counts[id] === "loading").slice(0, 1) : needy;
  if (parts.length === 0) return <Nothing />;
  return parts.map((id, index) => <Part key={id} id={id} isFirst={index === 0} />);
}

/** Renders that no part has anything. */
function Nothing() {
  return (
    <section className="panel" aria-label="Inbox">
      <div className="notice">
        <p>
          <Mark status="healthy" word="Nothing needs you." />
        </p>
        <p className="muted">
          Stacks that have failed, open approvals, and events that cannot be applied will stand here, by their cause.
        </p>
        <To path="/stacks" className="button">
          All stacks
        </To>
      </div>
    </section>
  );
}

function Part({ id, isFirst }: { id: TabId; isFirst: boolean }) {
  if (id === "waiting") return <WaitingPanel />;
  if (id === "approvals") return <OpenApprovals />;
  return <CausePanel key={id} kind={id} opensFirst={isFirst} />;
}

/** Returns the count of each tab. */
function useCounts(conditions: ReturnType<typeof useConditionCounts>): Counts {
  const parked = toCount(useCauses("parked"), ({ examined }) => examined);
  const dead = toCount(useCauses("dead"), ({ examined }) => examined);
  const count = (condition: string) => toCount(conditions, (known) => countOf(known, condition));
  return {
    failed: count("failed"),
    degraded: count("degraded"),
    waiting: count("waiting"),
    parked,
    dead,
    approvals: count("approval"),
  };
}
