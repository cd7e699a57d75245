import type { UseQueryResult } from "@tanstack/react-query";
import { type ReactNode, useEffect, useRef, useState } from "react";
import { isAbsent, toFailure } from "../api/client.ts";
import { hasFailed } from "../api/use-load.ts";
import { toSafeText } from "../text/safe-text.ts";
import { Button } from "./button.tsx";
import { Command } from "./copy-button.tsx";
import { To } from "./links.tsx";
import { useWindowTitle } from "./use-window-title.ts";

/** Renders the frame of a page: its heading gets the focus after a navigation, and names the window. */
export function Page({ title, heading, beside, sentence, actions, children }: PageProps) {
  const ref = useRef<HTMLHeadingElement>(null);
  useWindowTitle(title);
  // biome-ignore lint/correctness/useExhaustiveDependencies: another title is another page
  useEffect(() => {
    ref.current?.focus({ preventScroll: true });
  }, [title]);
  return (
    <div className="stack-v">
      <div className="head">
        <div className="head-text">
          <div className="row">
            <h1 ref={ref} tabIndex={-1}>
              {heading ?? toSafeText(title)}
            </h1>
            {beside}
          </div>
          {sentence !== undefined && <p>{sentence}</p>}
        </div>
        {actions !== undefined && <div className="row page-actions">{actions}</div>}
      </div>
      {children}
    </div>
  );
}

interface PageProps {
  /** The window's title, and the heading where none is given. */
  readonly title: string;
  readonly heading?: ReactNode;
  /** Next to the heading, such as a condition. */
  readonly beside?: ReactNode;
  /** One sentence below the heading. */
  readonly sentence?: ReactNode;
  readonly actions?: ReactNode;
  readonly children: ReactNode;
}

/** Renders a part of a page with its own heading; the only part of a page is what the page's heading names. */
export function Panel({ title, note, actions, children, footer }: PanelProps) {
  return (
    <section className="panel">
      {title !== undefined && (
        <header>
          <h2>
            {title}
            {note !== undefined && <span className="panel-note">{note}</span>}
          </h2>
          {actions !== undefined && <div className="row">{actions}</div>}
        </header>
      )}
      {children}
      {footer !== undefined && footer !== false && <footer>{footer}</footer>}
    </section>
  );
}

interface PanelProps {
  readonly title?: ReactNode;
  /** A few words next to the title, such as a count. */
  readonly note?: ReactNode;
  readonly actions?: ReactNode;
  readonly footer?: ReactNode;
  readonly children: ReactNode;
}

/** Renders an empty state: one sentence, and a command that changes it. */
export function Empty({ children, command }: { children: ReactNode; command?: string }) {
  return (
    <div className="notice">
      <p>{children}</p>
      {command !== undefined && <Command text={command} />}
    </div>
  );
}

/** What is said where something does not exist, or may not be read: both look alike. */
const NOT_FOUND = "Not found, or you may not read it.";

const REASONS = "Its address may have a mistake, it may have been removed, or your role does not cover it.";

/** Renders that what a page is about is not there, with one way on. */
export function Absent({ path, word, children = NOT_FOUND, reasons = REASONS }: AbsentProps) {
  return (
    <Panel>
      <div className="notice">
        <p>{children}</p>
        <p className="muted">{reasons}</p>
        <To path={path} className="button primary">
          {word}
        </To>
      </div>
    </Panel>
  );
}

interface AbsentProps {
  /** The page to which the link leads, and its name. */
  readonly path: string;
  readonly word: string;
  readonly children?: ReactNode;
  /** Why it may not be there. */
  readonly reasons?: string;
}

/** Renders that no item matches the filters. */
export function NoMatch({ filters, onClear }: { filters: string; onClear: () => void }) {
  return (
    <div className="notice">
      <p>Nothing matches these filters: {filters}.</p>
      <Button onPress={onClear}>Clear filters</Button>
    </div>
  );
}

/** Renders the error of a request, only in its panel. */
export function ErrorNotice({ error, onRetry }: FailureProps) {
  if (isAbsent(error)) return <Empty>{NOT_FOUND}</Empty>;
  return <FailureNotice error={error} onRetry={onRetry} />;
}

interface FailureProps {
  readonly error: unknown;
  readonly onRetry?: (() => void) | undefined;
}

/** Renders the error of a request whose data a part of a page lacks; nothing while it has them, is loading, or may not read them. */
export function MissingNotice({ query }: { query: UseQueryResult<unknown> }) {
  if (!hasFailed(query) || isAbsent(query.error)) return null;
  return <FailureNotice error={query.error} onRetry={() => void query.refetch()} />;
}

/** Renders a fact of a list of facts that could not be loaded; nothing while it is known, is loading, or may not be read. */
export function MissingFact({ word, query }: { word: string; query: UseQueryResult<unknown> }) {
  if (!hasFailed(query) || isAbsent(query.error)) return null;
  return (
    <div>
      <dt>{word}</dt>
      <dd>
        <span className="muted">could not be loaded</span>{" "}
        <Button look="plain" onPress={() => void query.refetch()}>
          Retry
        </Button>
      </dd>
    </div>
  );
}

/** Renders a failure, with its code and request. */
export function FailureNotice({ error, onRetry }: FailureProps) {
  const { detail, code, requestId } = toFailure(error);
  return (
    <div className="notice fail" role="alert">
      {/* The server's advice for this, to send a token, is for programs. */}
      <p className="wrap">{code === "UNAUTHENTICATED" ? "You are not signed in." : detail}</p>
      <p className="muted mono wrap">
        {code}
        {requestId !== undefined && ` · request ${requestId}`}
      </p>
      {onRetry !== undefined && <Button onPress={onRetry}>Retry</Button>}
    </div>
  );
}

const SKELETON_AFTER_MS = 200;

/** Holds the place of what is loading, from 200 ms on, with its final height. */
export function Skeleton({ height }: { height: number }) {
  const [shown, setShown] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setShown(true), SKELETON_AFTER_MS);
    return () => clearTimeout(timer);
  }, []);
  return (
    <div style={{ minHeight: height }} className={shown ? "skeleton" : undefined} aria-busy="true">
      {shown && <span className="hidden-visually">Loading</span>}
    </div>
  );
}

/** Renders a query's states. Loaded data remains while a refetch fails. */
export function Loaded<Data>({
  query,
  height = 120,
  children,
}: {
  query: UseQueryResult<Data>;
  height?: number;
  children: (data: Data) => ReactNode;
}) {
  if (query.data !== undefined && !isAbsent(query.error)) return children(query.data);
  if (query.error !== null) return <ErrorNotice error={query.error} onRetry={() => void query.refetch()} />;
  return <Skeleton height={height} />;
}
