import { type ReactNode, useCallback, useRef, useState } from "react";
import { toFailure } from "../api/client.ts";
import { Button } from "../design/button.tsx";
import { useToast } from "../design/toasts.tsx";
import { DiffOnDemand } from "./diff-on-demand.tsx";
import { openText } from "./files.ts";
import { type Saved, type Session, toRaw } from "./session.ts";
import type { OpenDocument } from "./use-document.ts";

/** Saving to where the document comes from. */
export interface Saving {
  readonly save: () => void;
  readonly refusal: string | undefined;
  /** A draft that was restored, or a change by another person. */
  readonly notice: ReactNode;
}

/** Saves a document, and lets the user choose where it was changed meanwhile, or acts on live stacks. */
export function useSave({ session, document }: { session: Session; document: OpenDocument }): Saving {
  const { text, base, setBase, editor, restored, isOutdated, isChanging, settle } = document;
  const settling = useRef(settle);
  settling.current = settle;
  const [theirs, setTheirs] = useState(isOutdated ? session.text : undefined);
  const [planned, setPlanned] = useState<Extract<Saved, { kind: "planned" }>>();
  const [seen, setSeen] = useState(false);
  const [busy, setBusy] = useState(false);
  const toast = useToast();
  const { home } = session;
  const save = useCallback(
    async (plan?: string) => {
      if (home === undefined) return;
      setBusy(true);
      setPlanned(undefined);
      try {
        const settled = await settling.current();
        const saved = await home.save(toRaw(session, settled), plan);
        if (saved.kind === "planned") setPlanned(saved);
        else if (saved.kind === "conflict") setTheirs(openText(session.file, saved.theirs).text);
        else {
          setTheirs(undefined);
          setBase(settled);
          setSeen(true);
          toast(`Saved ${session.file}`);
        }
      } catch (error) {
        toast(toFailure(error).detail, "fail");
      } finally {
        setBusy(false);
      }
    },
    [home, session, setBase, toast],
  );
  const isSame = text === base && theirs === undefined && !isChanging;
  const refusal = busy ? "Saving" : isSame ? "Nothing to save" : undefined;
  return {
    save: () => void save(),
    refusal,
    notice: (
      <>
        {restored && !seen && theirs === undefined && (
          <div className="notice warn" role="status">
            <p>Your draft of an earlier visit is open.</p>
            <div className="row">
              <Button onPress={() => setSeen(true)}>Keep the draft</Button>
              <Button
                onPress={() => {
                  editor?.replace(session.text, "discard of the draft");
                  setSeen(true);
                }}
              >
                Discard it
              </Button>
            </div>
          </div>
        )}
        {planned !== undefined && (
          <div className="notice warn" role="alert">
            <p>Saving acts on live stacks at once.</p>
            {planned.shown}
            <div className="row">
              <Button look="danger" onPress={() => void save(planned.plan)}>
                Save as shown
              </Button>
              <Button onPress={() => setPlanned(undefined)}>Do not save</Button>
            </div>
          </div>
        )}
        {theirs !== undefined && (
          <div className="notice warn" role="alert">
            <p>The document was changed meanwhile.</p>
            <div className="row">
              <Button look="danger" onPress={() => void save()}>
                Overwrite
              </Button>
              <Button
                onPress={() => {
                  editor?.replace(theirs, "take theirs");
                  setBase(theirs);
                  setSeen(true);
                  setTheirs(undefined);
                }}
              >
                Take theirs
              </Button>
            </div>
            <DiffOnDemand before={{ title: "Theirs", text: theirs }} after={{ title: "Yours", text }} />
          </div>
        )}
      </>
    ),
  };
}
