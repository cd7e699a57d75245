import { type ReactNode, useState } from "react";
import { Button } from "../design/button.tsx";
import { CopyButton } from "../design/copy-button.tsx";
import { saveFile } from "../design/save-file.ts";
import { useToast } from "../design/toasts.tsx";
import { machineClient } from "../machine/machine-client.ts";
import { toSafeText } from "../text/safe-text.ts";
import { createTemplateSession, type Session, toRaw } from "./session.ts";
import type { OpenDocument } from "./use-document.ts";
import { useOpenFile } from "./use-open-file.ts";
import type { Saving } from "./use-save.tsx";
import type { EditorView } from "./use-view.ts";

interface ToolbarProps {
  readonly session: Session;
  readonly document: OpenDocument;
  readonly saving: Saving;
  readonly onOpen: (session: Session) => void;
  readonly openers: ReactNode;
  readonly view: EditorView;
}

/** Renders the actions for the whole document. */
export function Toolbar({ session, document, saving, onOpen, openers, view }: ToolbarProps) {
  const { editor, text, undoLabel, canRedo, machine, base } = document;
  const [more, setMore] = useState(false);
  const { readOnly } = session;
  const status = readOnly
    ? `Read only. ${toSafeText(readOnly)}.`
    : text === base && !document.isChanging
      ? ""
      : "unsaved";
  return (
    <div className="row spread">
      <div className="row">
        <h1>{toSafeText(session.file)}</h1>
        <span className="muted">{status}</span>
        <Button idle={undoLabel === undefined ? "Nothing to undo" : undefined} onPress={() => editor?.undo()}>
          Undo{undoLabel !== undefined && ` ${toSafeText(undoLabel)}`}
        </Button>
        <Button idle={canRedo ? undefined : "Nothing to redo"} onPress={() => editor?.redo()}>
          Redo
        </Button>
        <Button refusal={readOnly} onPress={() => view.setOpened({ kind: "add-state", after: view.selected })}>
          + State
        </Button>
        {machine.outline?.version === 1 && <UpgradeButton session={session} document={document} refusal={readOnly} />}
      </div>
      <div className="row">
        <div className={more ? "row toolbar-tools open" : "row toolbar-tools"}>
          <ViewButtons view={view} />
          {openers}
          <OpenFile onOpen={onOpen} />
          <Button look="plain" onPress={() => onOpen(createTemplateSession())}>
            Template
          </Button>
          <CopyButton look="plain" text={toRaw(session, text)} />
          <Button
            look={session.home === undefined && text !== "" ? "primary" : "plain"}
            onPress={async () => saveFile(new Blob([toRaw(session, await document.settle())]), session.file)}
          >
            Download
          </Button>
        </div>
        <span className="toolbar-more">
          <Button pressed={more} onPress={() => setMore(!more)}>
            More
          </Button>
        </span>
        {session.home !== undefined && (
          <Button look="primary" refusal={saving.refusal} onPress={saving.save}>
            {session.home.title}
          </Button>
        )}
      </div>
    </div>
  );
}

function ViewButtons({ view }: { view: EditorView }) {
  const { direction, setDirection, asTable, setAsTable, moved, move, setOpened } = view;
  const isDown = direction === "down";
  return (
    <>
      <Button
        look="plain"
        label={isDown ? "Draw to the right" : "Draw downwards"}
        onPress={() => setDirection(isDown ? "right" : "down")}
      >
        Turn
      </Button>
      <Button look="plain" onPress={() => setAsTable(!asTable)}>
        {asTable ? "Graph" : "Table"}
      </Button>
      {moved.size > 0 && (
        <Button look="plain" onPress={() => move(new Map())}>
          Reset layout
        </Button>
      )}
      <Button look="plain" onPress={() => setOpened("export")}>
        Export
      </Button>
    </>
  );
}

function OpenFile({ onOpen }: { onOpen: (session: Session) => void }) {
  const open = useOpenFile(onOpen);
  return (
    <label className="button plain">
      Open file
      <input
        type="file"
        accept=".yaml,.yml,.json,.jsonl"
        className="hidden-visually"
        onChange={({ target }) => {
          const [file] = target.files ?? [];
          if (file !== undefined) open(file);
        }}
      />
    </label>
  );
}

interface UpgradeProps {
  readonly session: Session;
  readonly document: OpenDocument;
  readonly refusal: string | undefined;
}

function UpgradeButton({ session, document: { editor, text }, refusal }: UpgradeProps) {
  const toast = useToast();
  const upgrade = async () => {
    try {
      const { text: upgraded, problems } = await machineClient.run("upgrade", { name: session.name, text });
      if (upgraded !== undefined) editor?.replace(upgraded, "upgrade to version 2");
      const [first] = problems;
      if (first !== undefined) toast(`Line ${first.line}: ${first.message}`, upgraded === undefined ? "fail" : "warn");
      else toast("Upgraded to version 2. The tab Diff shows what has changed.");
    } catch (error) {
      toast(error instanceof Error ? error.message : String(error), "fail");
    }
  };
  return (
    <Button refusal={refusal} onPress={upgrade}>
      Upgrade to version 2
    </Button>
  );
}
