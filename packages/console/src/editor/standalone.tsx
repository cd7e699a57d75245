import { useCallback, useEffect, useState } from "react";
import { Button } from "../design/button.tsx";
import { FailureNotice, Skeleton } from "../design/page.tsx";
import { useKnowledge } from "./knowledge.ts";
import { createEmptySession, createSession, type Home, type Session } from "./session.ts";
import { Workbench } from "./workbench.tsx";

/** The file of `stackyard edit`, as its server returns it. */
interface EditedFile {
  readonly name: string;
  readonly source: string;
  readonly hash: string;
}

const FILE_PATH = "/edit/file";

/**
 * Renders the editor without a yard: with the file of `stackyard edit`, or, on a static host, with any file that is
 * opened.
 */
export function StandaloneEditor() {
  const [session, setSession] = useState<Session>();
  const [failure, setFailure] = useState<unknown>();
  const load = useCallback(() => {
    setFailure(undefined);
    loadFile().then(setSession, setFailure);
  }, []);
  useEffect(load, [load]);
  const knowledge = useKnowledge();
  if (session === undefined && failure !== undefined) {
    return (
      <>
        <FailureNotice error={failure} onRetry={load} />
        <div className="notice">
          <Button onPress={() => setSession(createEmptySession())}>Continue without the file</Button>
        </div>
      </>
    );
  }
  if (session === undefined) return <Skeleton height={420} />;
  return <Workbench key={session.key} alone session={session} onOpen={setSession} knowledge={knowledge} />;
}

/**
 * Loads the file. A static host has no such path, or answers it with a page.
 *
 * @throws Error when there is a file that cannot be loaded: an empty document in its place would be wrong.
 */
async function loadFile(): Promise<Session> {
  const response = await fetch(FILE_PATH, { headers: { accept: "application/json" } }).catch((cause: unknown) => {
    throw new Error("The server of this editor does not answer. Start stackyard edit again.", { cause });
  });
  if (response.status === 401) throw new Error("The session has ended. Open the address that stackyard edit prints.");
  if (response.status >= 500) throw new Error(`The file could not be loaded: the server answered ${response.status}.`);
  const isJson = response.headers.get("content-type")?.startsWith("application/json");
  if (!response.ok || !isJson) return createEmptySession();
  const { name, source, hash } = (await response.json()) as EditedFile;
  return { ...createSession(name, source), home: createFileHome(hash) };
}

function createFileHome(hash: string): Home {
  let expectedHash = hash;
  return {
    title: "Save",
    async save(source) {
      const response = await fetch(FILE_PATH, {
        method: "PUT",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ source, expectedHash }),
      });
      const answer = (await response.json()) as Partial<EditedFile> & { readonly detail?: string };
      if (response.ok || response.status === 409) expectedHash = answer.hash ?? expectedHash;
      if (response.ok) return { kind: "saved" };
      if (response.status === 409) return { kind: "conflict", theirs: answer.source ?? "" };
      throw new Error(answer.detail ?? "The file could not be saved.");
    },
  };
}
