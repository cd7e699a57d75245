import { isKnownEmpty } from "../api/use-pages.ts";
import { type FirstStep, FirstSteps } from "../design/first-steps.tsx";
import { ErrorNotice, Page } from "../design/page.tsx";
import { AsgPanel, useAsgLists } from "./asg-panel.tsx";
import { Boards, useBoards } from "./boards.tsx";
import { FreezesLink } from "./freezes-link.tsx";

const SHOWS = "Here you will see which version runs where, which release is on its way, and what holds it back.";
const STEPS: readonly FirstStep[] = [
  {
    title: "Describe how a version moves",
    text: "A machine with a task of the executor deploy for each environment has a board here.",
    link: { path: "/machines", word: "Open machines" },
  },
  {
    title: "Send the first release",
    text: "Each release is a stack of that machine.",
    command: "stackyard send shop-1.0.0 RELEASED --machine shop-release",
  },
  {
    title: "Or replace Auto Scaling groups",
    text: "A release from a file needs no machine.",
    command: "stackyard asg deploy release.json",
  },
];

/** Renders the boards of machines that deploy, and what runs on Auto Scaling groups with the releases there. */
export function ReleasesPage() {
  const { data: boards, error: boardsError, refetch } = useBoards();
  const lists = useAsgLists();
  const hasNone = isKnownEmpty(lists.places) && isKnownEmpty(lists.releases);
  return (
    <Page title="Releases" actions={boards !== undefined && boards.length > 0 && <FreezesLink />}>
      {boards === undefined && boardsError !== null && (
        <ErrorNotice error={boardsError} onRetry={() => void refetch()} />
      )}
      {boards !== undefined && <Boards boards={boards} />}
      {hasNone && boards?.length === 0 && (
        <FirstSteps title="Nothing has been released on this yard yet" shows={SHOWS} steps={STEPS} />
      )}
      {!hasNone && <AsgPanel lists={lists} />}
    </Page>
  );
}
