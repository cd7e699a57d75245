import { useToast } from "../design/toasts.tsx";
import { readFile } from "./files.ts";
import type { Session } from "./session.ts";

/** Returns a function that opens a file as a document; why a file cannot be opened is announced. */
export function useOpenFile(onOpen: (session: Session) => void): (file: File) => void {
  const toast = useToast();
  return (file) => {
    readFile(file).then(
      (opened) => onOpen({ key: `file ${opened.file}`, ...opened }),
      (error: Error) => toast(error.message, "fail"),
    );
  };
}
