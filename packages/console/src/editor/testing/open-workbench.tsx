import { onTestFinished } from "vitest";
import { page } from "vitest/browser";
import { type RenderResult, render } from "vitest-browser-react";
import { ToastProvider } from "../../design/toasts.tsx";
import "../../design/base.css";
import { type EditorKnowledge, useKnowledge } from "../knowledge.ts";
import { createSession, type Session } from "../session.ts";
import type { EditorMode } from "../use-view.ts";
import { type SecondRevision, Workbench } from "../workbench.tsx";

/** A machine with a timer and comments. */
export const MACHINE = `version: 2
# The events.
events: [OPENED, MERGED]
states:
  INIT:
    on: { OPENED: LIVE } # begins
  LIVE:
    after: [{ in: 72h, event: MERGED }]
    on: { MERGED: GONE }
  GONE: { terminal: true }
`;

interface Opening extends Partial<Session> {
  readonly width?: number;
  readonly second?: SecondRevision | undefined;
  readonly mode?: EditorMode | undefined;
  readonly knowledge?: Partial<EditorKnowledge> | undefined;
}

/** Opens a text in the editor without a yard. */
export async function openWorkbench(raw: string, opening: Opening = {}) {
  const { width = 1280, second, mode, knowledge, ...session } = opening;
  await page.viewport(width, 800);
  const opened: Session[] = [];
  const screen = await render(
    <ToastProvider>
      <Opened
        session={{ ...createSession("review-app.yaml", raw), ...session }}
        onOpen={(next) => opened.push(next)}
        knowledge={knowledge}
        second={second}
        mode={mode}
      />
    </ToastProvider>,
  );
  // An editor with a change that is kept nowhere would hold the page of the tests back.
  onTestFinished(async () => screen.unmount());
  return { screen, opened };
}

const NO_EXECUTORS = { executors: [], failure: undefined };

interface OpenedProps extends Pick<Opening, "knowledge" | "second" | "mode"> {
  readonly session: Session;
  readonly onOpen: (session: Session) => void;
}

/** Renders the editor with the schemas of this project, and without executors. */
function Opened({ session, onOpen, knowledge, second, mode }: OpenedProps) {
  const own = useKnowledge(NO_EXECUTORS);
  const known = { ...own, ...knowledge };
  return (
    <Workbench alone session={session} onOpen={onOpen} knowledge={known} second={second} {...(mode && { mode })} />
  );
}

/** Returns the text in the editor that is laid out. */
export function textOf(): string {
  return [...document.querySelectorAll(".text-pane .cm-line")].map((line) => line.textContent).join("\n");
}

/** Selects a state in the graph; its node has the same label as the form that then edits it. */
export function selectState(screen: RenderResult, name: string): Promise<void> {
  return screen.getByTestId(`rf__node-${name}`).click();
}

/** Opens the fields of the whole machine, behind its name. */
export function openMachineFields(screen: RenderResult): Promise<void> {
  return screen.getByRole("heading", { level: 1 }).getByRole("button").click();
}
