import { nameApart } from "@stackyard/core";
import type { Session } from "@stackyard/sdk";
import { useState } from "react";
import { queryClient, yard } from "../api/client.ts";
import { keys } from "../api/keys.ts";
import { usePages } from "../api/use-pages.ts";
import { Button } from "../design/button.tsx";
import { ActionDialog } from "../design/dialog.tsx";
import { Empty, Panel } from "../design/page.tsx";
import { ListTable, toActionsColumn } from "../design/table.tsx";
import { Ago, Text } from "../design/text.tsx";
import { useToast } from "../design/toasts.tsx";

const KEY = keys.other("sessions");

/** Logins that have not ended: your own, and those of others with the permission `access`. */
export function SessionsPanel() {
  const sessions = usePages(KEY, (part) => yard.sessions.list(part));
  const [ending, setEnding] = useState<Session>();
  const toast = useToast();
  const people = (sessions.items ?? []).map(({ who }) => who);
  return (
    <Panel title="Sessions">
      <ListTable
        list={sessions}
        empty={<Empty command="stackyard login">No login is active.</Empty>}
        label="Sessions"
        keyOf={({ id }) => id}
        columns={[
          {
            header: "Who",
            cell: ({ who }) => (
              <strong>
                <Text>{nameApart(who, people)}</Text>
              </strong>
            ),
          },
          { header: "Signed in with", cell: (session) => <Text>{describeWay(session)}</Text> },
          { header: "Groups", cell: ({ groups }) => <Text>{groups.join(", ") || "none"}</Text> },
          { header: "Last used", cell: ({ usedAt }) => <Ago at={usedAt} /> },
          { header: "Ends", cell: ({ endsAt }) => <Ago at={endsAt} /> },
          toActionsColumn((session: Session) => (
            <Button label={`End the session of ${nameApart(session.who, people)}`} onPress={() => setEnding(session)}>
              {session.current ? "End this one…" : "End…"}
            </Button>
          )),
        ]}
      />
      {ending !== undefined && (
        <ActionDialog
          title={`End the session of ${nameApart(ending.who, people)}`}
          verb="End"
          danger
          onClose={() => setEnding(undefined)}
          act={async () => {
            await yard.sessions.revoke(ending.id);
            toast("The session has ended.");
            await queryClient.invalidateQueries({ queryKey: ending.current ? [] : KEY });
          }}
        >
          <p>Ends on this server at once, on others within 5 seconds. {ending.current && "You must sign in again."}</p>
        </ActionDialog>
      )}
    </Panel>
  );
}

/** Returns how a person signed in, such as `browser, from 10.0.0.7`. */
function describeWay({ kind, client, address }: Session): string {
  return [kind, client, address && `from ${address}`].filter(Boolean).join(", ");
}
