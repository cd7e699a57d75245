import { ErrorNotice, Page } from "../design/page.tsx";
import { AsgPanel, useAsgLists } from "./asg-panel.tsx";
import { Boards, useBoards } from "./boards.tsx";
import { FreezesLink } from "./freezes-link.tsx";

/** Renders the boards of machines that deploy, and what runs on Auto Scaling groups with the releases there. */
export function ReleasesPage() {
  const { data: boards = [], error: boardsError, refetch } = useBoards();
  const lists = useAsgLists();
  const hasNone = [lists.places, lists.releases].every(({ items, error }) => items?.length === 0 && error === null);
  return (
    <Page title="Releases" actions={boards.length > 0 && <FreezesLink />}>
      {boards.length === 0 && boardsError !== null && (
        <ErrorNotice error={boardsError} onRetry={() => void refetch()} />
      )}
      <Boards boards={boards} />
      {!(hasNone && boards.length > 0) && <AsgPanel lists={lists} />}
    </Page>
  );
}
