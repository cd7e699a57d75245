import { nameApart, ROLES } from "@stackyard/core";
import type { ApiToken, NewApiToken } from "@stackyard/sdk";
import { useEffect, useRef, useState } from "react";
import { queryClient, yard } from "../api/client.ts";
import { keys } from "../api/keys.ts";
import { usePages } from "../api/use-pages.ts";
import { Button } from "../design/button.tsx";
import { Command } from "../design/copy-button.tsx";
import { ActionDialog, Dialog } from "../design/dialog.tsx";
import { Options, SelectField, TextField } from "../design/fields.tsx";
import { Mark } from "../design/mark.tsx";
import { Empty, Panel } from "../design/page.tsx";
import { type Column, ListTable, toActionsColumn } from "../design/table.tsx";
import { Ago, Text } from "../design/text.tsx";
import { useToast } from "../design/toasts.tsx";
import { formatScope } from "./format-scope.ts";

const KEY = keys.other("tokens");

type Open =
  | { readonly kind: "create" }
  | { readonly kind: "rotate" | "revoke"; readonly token: ApiToken }
  | { readonly kind: "secret"; readonly token: NewApiToken };

/** Renders API tokens: your own, and those of others with the permission `access`. A secret is shown once. */
export function TokensPanel() {
  const tokens = usePages(KEY, (part) => yard.tokens.list(part));
  const [open, setOpen] = useState<Open>();
  const close = () => setOpen(undefined);
  const showSecret = (token: NewApiToken) => {
    setOpen({ kind: "secret", token });
    void queryClient.invalidateQueries({ queryKey: KEY });
  };
  return (
    <Panel
      title="API tokens"
      actions={
        <Button look="primary" onPress={() => setOpen({ kind: "create" })}>
          Create a token…
        </Button>
      }
    >
      <ListTable
        list={tokens}
        empty={<Empty command="stackyard tokens create ci --role operator">You have no API token.</Empty>}
        label="API tokens"
        columns={[...toColumns(tokens.items ?? []), toActions(setOpen)]}
        keyOf={({ id }) => id}
      />
      {open?.kind === "create" && <CreateDialog onCreated={showSecret} onClose={close} />}
      {open?.kind === "rotate" && <RotateDialog token={open.token} onCreated={showSecret} onClose={close} />}
      {open?.kind === "revoke" && <RevokeDialog token={open.token} onClose={close} />}
      {open?.kind === "secret" && <SecretDialog token={open.token} onClose={close} />}
    </Panel>
  );
}

function toColumns(tokens: readonly ApiToken[]): readonly Column<ApiToken>[] {
  const people = tokens.map(({ createdBy }) => createdBy);
  return [
    {
      header: "Name",
      cell: ({ name }) => (
        <strong>
          <Text>{name}</Text>
        </strong>
      ),
    },
    {
      header: "Status",
      cell: ({ status }) =>
        status === "active" ? (
          <Mark status="quiet" word="Active" />
        ) : (
          <Mark status="cancelled" word={status === "expired" ? "Expired" : "Revoked"} />
        ),
    },
    {
      header: "Role",
      cell: ({ role, also = [], ...scope }) => <Text>{`${[role, ...also].join(" + ")} on ${formatScope(scope)}`}</Text>,
    },
    { header: "Created by", cell: ({ createdBy }) => <Text>{nameApart(createdBy, people)}</Text> },
    { header: "Expires", cell: ({ expiresAt }) => (expiresAt ? <Ago at={expiresAt} /> : "never") },
    { header: "Last used", cell: ({ lastUsedAt }) => (lastUsedAt ? <Ago at={lastUsedAt} /> : "never") },
  ];
}

const VERBS = { rotate: "Rotate", revoke: "Revoke" } as const;

function toActions(setOpen: (open: Open) => void): Column<ApiToken> {
  return toActionsColumn((token) =>
    // What has ended has no actions any more.
    token.status !== "active"
      ? null
      : (["rotate", "revoke"] as const).map((kind) => (
          <Button key={kind} label={`${VERBS[kind]} ${token.name}`} onPress={() => setOpen({ kind, token })}>
            {VERBS[kind]}…
          </Button>
        )),
  );
}

interface NewSecretProps {
  readonly onCreated: (token: NewApiToken) => void;
  readonly onClose: () => void;
}

function CreateDialog({ onCreated, onClose }: NewSecretProps) {
  const [name, setName] = useState("");
  const [role, setRole] = useState<(typeof ROLES)[number]>("viewer");
  const [machines, setMachines] = useState("");
  const [stacks, setStacks] = useState("");
  const [groups, setGroups] = useState("");
  const [expires, setExpires] = useState("90d");
  const created = useRef<NewApiToken>(undefined);
  return (
    <ActionDialog
      title="Create an API token"
      verb="Create"
      refusal={name === "" ? "Enter a name first" : undefined}
      onClose={() => (created.current === undefined ? onClose() : onCreated(created.current))}
      act={async () => {
        created.current = await yard.tokens.create({
          name,
          role,
          expires,
          ...toList("machines", machines),
          ...toList("stacks", stacks),
          ...toList("groups", groups),
        });
      }}
    >
      <div className="stack-v">
        <TextField title="Name" value={name} onChange={setName} autoFocus />
        <SelectField title="Role" value={role} onChange={(chosen) => setRole(chosen as typeof role)}>
          <Options names={ROLES} />
        </SelectField>
        <TextField title="Machines, separated by commas (empty: all)" value={machines} onChange={setMachines} />
        <TextField title="Beginnings of stack ids (empty: all)" value={stacks} onChange={setStacks} />
        <TextField title="Groups" value={groups} onChange={setGroups} />
        <TextField title="Expires after, such as 90d or never" value={expires} onChange={setExpires} />
      </div>
    </ActionDialog>
  );
}

function toList(name: "machines" | "stacks" | "groups", text: string): Record<string, readonly string[]> {
  const items = text.split(/[\s,]+/).filter((item) => item !== "");
  return items.length === 0 ? {} : { [name]: items };
}

function RotateDialog({ token, onCreated, onClose }: NewSecretProps & { readonly token: ApiToken }) {
  const [overlap, setOverlap] = useState("24h");
  const created = useRef<NewApiToken>(undefined);
  return (
    <ActionDialog
      title={`Rotate ${token.name}`}
      verb="Rotate"
      onClose={() => (created.current === undefined ? onClose() : onCreated(created.current))}
      act={async () => {
        created.current = await yard.tokens.rotate(token.id, { overlap });
      }}
    >
      <div className="stack-v">
        <p>The token gets a second secret. The present one ends after the overlap.</p>
        <TextField title="Overlap, 0s to 7d" value={overlap} onChange={setOverlap} />
      </div>
    </ActionDialog>
  );
}

function RevokeDialog({ token, onClose }: { token: ApiToken; onClose: () => void }) {
  const toast = useToast();
  return (
    <ActionDialog
      title={`Revoke ${token.name}`}
      verb="Revoke"
      danger
      onClose={onClose}
      act={async () => {
        await yard.tokens.revoke(token.id);
        toast(`${token.name} is revoked.`);
        await queryClient.invalidateQueries({ queryKey: KEY });
      }}
    >
      <p>Programs that use it are refused: on this server at once, on others within 5 seconds. It cannot be undone.</p>
    </ActionDialog>
  );
}

/** The second press of a double click on Create meets the dialog that has taken the place of the first one. */
const DOUBLE_CLICK_MS = 500;

function SecretDialog({ token, onClose }: { token: NewApiToken; onClose: () => void }) {
  const [isNew, setNew] = useState(true);
  useEffect(() => {
    const timer = setTimeout(() => setNew(false), DOUBLE_CLICK_MS);
    return () => clearTimeout(timer);
  }, []);
  return (
    <Dialog title={`Secret of ${token.name}`} onClose={onClose} isKept>
      <section>
        <p>Copy it now. It is shown once and not stored.</p>
        <Command text={token.token} />
        <Button look="primary" idle={isNew ? "It was just created" : undefined} onPress={onClose}>
          I have copied it
        </Button>
      </section>
    </Dialog>
  );
}
