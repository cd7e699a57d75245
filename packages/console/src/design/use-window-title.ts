import { useEffect } from "react";
import { useYardName } from "../api/use-yard-name.ts";
import { toSafeText } from "../text/safe-text.ts";

/** Names the window, with the yard: tabs of several yards differ. */
export function useWindowTitle(title: string): void {
  const yardName = useYardName();
  useEffect(() => {
    document.title = [toSafeText(title), ...(yardName === undefined ? [] : [yardName]), "Stackyard"].join(" · ");
  }, [title, yardName]);
}
