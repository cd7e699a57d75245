import type { Attempt } from "@stackyard/sdk";
import type { UseQueryResult } from "@tanstack/react-query";
import { Navigate } from "@tanstack/react-router";
import { useMemo, useState } from "react";
import { isAbsent } from "../../api/client.ts";
import { useLoad } from "../../api/use-load.ts";
import { Button } from "../../design/button.tsx";
import { Icon } from "../../design/icon.tsx";
import { TextLink, To, useSearch } from "../../design/links.tsx";
import { Menu } from "../../design/menu.tsx";
import { Empty, ErrorNotice, Page, Skeleton } from "../../design/page.tsx";
import { Text } from "../../design/text.tsx";
import { SendDialog } from "../actions/send-dialog.tsx";
import { useOperateRefusal } from "../refusals.ts";
import { createYardSource, type StackProps, type StackSource } from "../source.ts";
import { StackSentence } from "../stack-sentence.tsx";
import { ReleaseHeading, ReleaseSentence } from "./release-head.tsx";
import { ReleasePanels, useRelease } from "./release-panels.tsx";
import { RetryFailed } from "./retry-failed.tsx";
import { StopSending } from "./stop-sending.tsx";
import "../stack.css";

/** Renders a release of a machine that deploys: what it waits for, its stages, waves, gate, stacks, and its place on the board. */
export function ReleasePage() {
  const { id = "" } = useSearch();
  const source = useMemo(() => createYardSource(id), [id]);
  if (id === "") {
    return (
      <Page title="Release">
        <Empty>
          The address names no release. Open one from the <To path="/releases">list</To>.
        </Empty>
      </Page>
    );
  }
  return <OneRelease key={id} source={source} />;
}

function OneRelease({ source }: { readonly source: StackSource }) {
  const details = useLoad(source.key("details"), ({ signal }) => source.loadDetails(signal));
  const attempts = useLoad(source.key("attempts"), ({ signal }) => source.loadAttempts(signal));
  const { data, error } = details;
  // Only its history remains of a removed one.
  if (isAbsent(error)) {
    const search = { id: source.stackId, tab: "history" };
    return <Navigate to={"/stack" as "/"} search={search as never} replace />;
  }
  if (data !== undefined) return <LoadedRelease source={source} stack={data} attempts={attempts} />;
  return (
    <Page title={source.stackId} heading={<Text>{source.stackId}</Text>}>
      {error === null ? (
        <Skeleton height={480} />
      ) : (
        <ErrorNotice error={error} onRetry={() => void details.refetch()} />
      )}
    </Page>
  );
}

interface LoadedProps extends StackProps {
  readonly attempts: UseQueryResult<readonly Attempt[]>;
}

function LoadedRelease({ source, stack, attempts }: LoadedProps) {
  const release = useRelease({ source, stack, attempts });
  const { items, deploys, calendar } = release;
  return (
    <Page
      title={stack.id}
      heading={<ReleaseHeading stack={stack} deploys={items} />}
      sentence={
        deploys.data === undefined ? (
          <StackSentence stack={stack} />
        ) : (
          <span className="stack-summary wrap">
            <ReleaseSentence stack={stack} deploys={deploys.data} calendar={calendar.data} />
          </span>
        )
      }
      actions={<ReleaseActions source={source} stack={stack} items={items} />}
    >
      <ReleasePanels source={source} stack={stack} release={release} />
    </Page>
  );
}

type ActionsProps = StackProps & Pick<ReturnType<typeof useRelease>, "items">;

/** Renders the next steps: an approval, the retry of what failed, the stop, and the way back; a stack's other actions are on its own page. */
function ReleaseActions({ source, stack, items }: ActionsProps) {
  const [approval] = stack.approvals ?? [];
  return (
    <>
      {approval !== undefined && (
        <TextLink
          path="/approval"
          search={{ stack: stack.id, task: approval.task }}
          className="button primary"
          text={`Decide ${approval.task}…`}
        />
      )}
      <RetryFailed source={source} stack={stack} items={items} />
      <StopSending source={source} stack={stack} items={items} />
      <UndoButton source={source} stack={stack} items={items} />
      <Menu label="More about the release" face={<Icon name="more" />}>
        {[
          ["now", "Graph and tasks"],
          ["history", "History"],
          ["attempts", "Attempts and logs"],
          ["metadata", "Metadata"],
        ].map(([tab, title]) => (
          <To key={tab} path="/stack" search={{ id: stack.id, tab }} className="button plain">
            {title}
          </To>
        ))}
        <To path="/bundle" search={{ id: stack.id }} className="button plain">
          Bundle
        </To>
      </Menu>
    </>
  );
}

function UndoButton({ source, stack, items }: ActionsProps) {
  const [isOpen, setIsOpen] = useState(false);
  const refusal = useOperateRefusal(source, stack, "send");
  const event = items.find(({ undo }) => undo !== undefined)?.undo;
  if (event === undefined) return null;
  return (
    <>
      <Button refusal={refusal} onPress={() => setIsOpen(true)}>
        Undo release…
      </Button>
      {isOpen && (
        <SendDialog
          source={source}
          stack={stack}
          refusal={refusal}
          initial={{ event, values: {}, hidden: [] }}
          onClose={() => setIsOpen(false)}
        />
      )}
    </>
  );
}
