import type { Approval } from "@stackyard/sdk";
import { isKnownEmpty, type PagedList } from "../api/use-pages.ts";
import { Asks, ReviewLink } from "../design/approval/asks.tsx";
import { type FirstStep, FirstSteps } from "../design/first-steps.tsx";
import { To } from "../design/links.tsx";
import { Empty, Page } from "../design/page.tsx";
import { Day } from "../design/text.tsx";
import { useApprovals } from "./approval-list.tsx";

const SHOWS = "Here you will see what waits for a decision, who asked, and what approving it would do.";
const STEPS: readonly FirstStep[] = [
  {
    title: "Let a task wait for people",
    text: "A task of the executor approval names the groups that decide, and what they approve, such as a plan.",
    link: { path: "/machines", word: "Open machines" },
  },
  {
    title: "See what waits",
    text: "Each page of the console shows the count next to Approvals. In a terminal:",
    command: "stackyard approvals ls --mine",
  },
];

/** Renders open approvals: first those that the person may give, then those of others. */
export function ApprovalsPage() {
  const mine = useApprovals(true);
  const all = useApprovals(false);
  const others: PagedList<Approval> = { ...all, items: all.items?.filter((approval) => approval.mine === false) };
  return (
    <Page
      title="Approvals"
      sentence={<Sentence mine={mine.items} others={others.items} />}
      actions={
        <To path="/audit" search={{ action: "APPROVE_TASK" }} className="button">
          Decided
        </To>
      }
    >
      {isKnownEmpty(mine) && isKnownEmpty(all) ? (
        <FirstSteps title="No approval is open" shows={SHOWS} steps={STEPS} />
      ) : (
        <Asks
          title="Wait for you"
          list={mine}
          empty={<Empty command="stackyard approvals ls">No approval waits for you.</Empty>}
          action={(approval, isFirst) => <ReviewLink approval={approval} isPrimary={isFirst} />}
        />
      )}
      <Asks
        title="Wait for others"
        list={others}
        action={(approval) => (
          <>
            <ReviewLink approval={approval} />
            <span className="muted small">You are not among those who may.</span>
          </>
        )}
      />
    </Page>
  );
}

interface SentenceProps {
  readonly mine: readonly Approval[] | undefined;
  readonly others: readonly Approval[] | undefined;
}

/** Renders how many wait for whom, and when the first of them ends. */
function Sentence({ mine, others }: SentenceProps) {
  if (mine === undefined || others === undefined) return null;
  const [first] = [...mine, ...others].toSorted((a, b) => Date.parse(a.expiresAt) - Date.parse(b.expiresAt));
  if (first === undefined) return "Nothing waits for a decision.";
  const waiting = [
    mine.length > 0 && `${mine.length} ${mine.length === 1 ? "waits" : "wait"} for you`,
    others.length > 0 && `${others.length} ${others.length === 1 ? "waits" : "wait"} for others`,
  ];
  return (
    <>
      {waiting.filter(Boolean).join(", ")}. The first ends <Day at={first.expiresAt} />.
    </>
  );
}
