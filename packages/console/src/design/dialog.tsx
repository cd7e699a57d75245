import { MAX_REASON } from "@stackyard/core";
import { type ReactNode, useEffect, useRef, useState } from "react";
import { Dialog as AriaDialog, Heading, Modal, ModalOverlay } from "react-aria-components";
import { toSafeText } from "../text/safe-text.ts";
import { Button } from "./button.tsx";
import { Form, TextField } from "./fields.tsx";
import { returnFocus } from "./kept-focus.ts";
import { FailureNotice } from "./page.tsx";
import { Text } from "./text.tsx";

/** Returns the focus also after another dialog has taken its place: React Aria only remembers the last opener. */
function useReturnedFocus(): void {
  useEffect(() => () => void requestAnimationFrame(returnFocus), []);
}

/** Closes a dialog when the person goes back or forward: it was about the page that is left. */
function useLeft(onClose: () => void): void {
  const latest = useRef(onClose);
  latest.current = onClose;
  useEffect(() => {
    const close = () => latest.current();
    addEventListener("popstate", close);
    return () => removeEventListener("popstate", close);
  }, []);
}

interface DialogProps {
  readonly title: string;
  readonly onClose: () => void;
  readonly children: ReactNode;
  /** Only its own button closes it, because what it shows is lost then. */
  readonly isKept?: boolean;
}

/**
 * Renders a dialog over the page. `Esc` closes it, and so do going back, and a press outside of it until something was
 * typed.
 */
export function Dialog({ title, onClose, children, isKept = false }: DialogProps) {
  useReturnedFocus();
  useLeft(onClose);
  const isTyped = useRef(false);
  return (
    <ModalOverlay
      isOpen
      isDismissable={!isKept}
      isKeyboardDismissDisabled={isKept}
      // A press outside of the dialog does not discard typed text; Esc and its button close it.
      shouldCloseOnInteractOutside={() => !isTyped.current}
      className="overlay"
      onOpenChange={(open: boolean) => {
        if (!open) onClose();
      }}
    >
      <Modal className="dialog">
        <AriaDialog>
          <Title
            text={title}
            onTyped={() => {
              isTyped.current = true;
            }}
          />
          {children}
        </AriaDialog>
      </Modal>
    </ModalOverlay>
  );
}

const FIELDS = "input:not([disabled]), textarea, select";

/** Renders the title of a dialog, which begins in its first field, else on its primary button. */
function Title({ text, onTyped }: { readonly text: string; readonly onTyped: () => void }) {
  const ref = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    const dialog = ref.current?.closest(".dialog");
    dialog?.addEventListener("input", onTyped);
    return () => dialog?.removeEventListener("input", onTyped);
  });
  useEffect(() => {
    const dialog = ref.current?.closest(".dialog");
    if (!dialog || dialog.contains(document.activeElement)) return;
    // On a touch screen, the keyboard would cover what the dialog says.
    const isTouch = window.matchMedia("(pointer: coarse)").matches;
    const field = isTouch ? undefined : dialog.querySelector<HTMLElement>(FIELDS);
    (field ?? dialog.querySelector<HTMLElement>("button[type=submit]"))?.focus();
  }, []);
  return (
    <Heading ref={ref} slot="title">
      {toSafeText(text)}
    </Heading>
  );
}

/** An action that changes something: what it does, its scope, and what must be entered first. */
export interface ActionProps {
  readonly title: string;
  /** The word on the button, such as `Remove`. */
  readonly verb: string;
  readonly danger?: boolean;
  /** The preview: what follows. */
  readonly children: ReactNode;
  /** Adds a field for a reason. */
  readonly reason?: "required" | "optional";
  /** Maximum characters of the reason. Default: those of an operation. */
  readonly reasonLimit?: number;
  /** A text that must be typed exactly, such as the stack's id. */
  readonly typed?: string | undefined;
  readonly refusal?: string | undefined;
  /** Performs the action. Its errors are shown at the button, and the dialog stays open. */
  readonly act: (reason: string | undefined) => Promise<void>;
  readonly onClose: () => void;
  /** The caller shows something else after the action, and closes that. */
  readonly keepsOpen?: true;
}

/**
 * Renders a dialog with preview, reason and confirmation. The caller creates the event's id when it opens, so retries
 * are harmless.
 */
export function ActionDialog(props: ActionProps) {
  const { title, verb, danger, children, reason, typed, refusal, act, onClose, keepsOpen } = props;
  const { reasonLimit = MAX_REASON } = props;
  const [text, setText] = useState("");
  const [confirmation, setConfirmation] = useState("");
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();
  const missing =
    refusal ??
    (busy ? "Working" : undefined) ??
    (reason === "required" && text.trim() === "" ? "Enter a reason first" : undefined) ??
    (typed !== undefined && confirmation !== typed ? `Type ${typed} first` : undefined);
  const submit = async () => {
    if (missing !== undefined) return;
    setBusy(true);
    setError(undefined);
    try {
      await act(text.trim() === "" ? undefined : text.trim());
      if (!keepsOpen) onClose();
    } catch (thrown) {
      setError(thrown);
      setBusy(false);
    }
  };
  return (
    <Dialog title={title} onClose={onClose}>
      <Form onSubmit={() => void submit()}>
        <div>{children}</div>
        {reason !== undefined && (
          <label className="field">
            Reason{reason === "optional" && " (optional)"}
            <textarea value={text} maxLength={reasonLimit} onChange={(event) => setText(event.target.value)} />
          </label>
        )}
        {typed !== undefined && (
          <TextField
            title={
              <span className="wrap">
                Type <Text mono>{typed}</Text> to confirm
              </span>
            }
            value={confirmation}
            onChange={setConfirmation}
          />
        )}
        {error !== undefined && <FailureNotice error={error} />}
        <DialogButtons verb={verb} danger={danger} refusal={missing} onClose={onClose} />
      </Form>
    </Dialog>
  );
}

interface DialogButtonsProps {
  /** The word on the button that submits the form. */
  readonly verb: string;
  readonly danger?: boolean | undefined;
  readonly refusal: string | undefined;
  readonly onClose: () => void;
}

/** Renders the end of a form in a dialog. */
export function DialogButtons({ verb, danger, refusal, onClose }: DialogButtonsProps) {
  return (
    <div className="row">
      <Button type="submit" look={danger ? "danger" : "primary"} refusal={refusal}>
        {verb}
      </Button>
      <Button onPress={onClose}>Close</Button>
    </div>
  );
}
