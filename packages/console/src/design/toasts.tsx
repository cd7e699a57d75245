import { createContext, type ReactNode, useCallback, useContext, useMemo, useState } from "react";
import { IconButton } from "./icon-button.tsx";
import type { Tone } from "./mark.tsx";

interface Toast {
  readonly id: number;
  readonly content: ReactNode;
  readonly tone: Tone;
}

type ShowToast = (content: ReactNode, tone?: Tone) => void;

const Context = createContext<ShowToast>(() => {});
const SHOWN_MS = 8_000;
let lastId = 0;

/** Announces outcomes of actions. A failure stays until it is closed. */
export function ToastProvider({ children }: { children: ReactNode }) {
  const [toasts, setToasts] = useState<readonly Toast[]>([]);
  const close = useCallback((id: number) => setToasts((all) => all.filter((toast) => toast.id !== id)), []);
  const show = useCallback<ShowToast>(
    (content, tone = "ok") => {
      lastId += 1;
      const id = lastId;
      setToasts((all) => [...all.slice(-4), { id, content, tone }]);
      if (tone !== "fail") setTimeout(() => close(id), SHOWN_MS);
    },
    [close],
  );
  const list = useMemo(
    () => (
      <div className="toasts" role="status">
        {toasts.map(({ id, content, tone }) => (
          <div key={id} className="toast">
            <span className={`wrap tone-${tone}`}>{content}</span>
            <IconButton icon="remove" label="Close message" onPress={() => close(id)} />
          </div>
        ))}
      </div>
    ),
    [toasts, close],
  );
  return (
    <Context value={show}>
      {children}
      {list}
    </Context>
  );
}

/** Returns a function that announces an outcome. */
export function useToast(): ShowToast {
  return useContext(Context);
}
