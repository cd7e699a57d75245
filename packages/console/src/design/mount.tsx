import { type ReactNode, StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { allowEmptyHtml } from "../api/trusted-types.ts";
import { applyTheme } from "./settings.ts";
import { ToastProvider } from "./toasts.tsx";

/** Renders the content of a page. */
export function mount(content: ReactNode): void {
  allowEmptyHtml();
  applyTheme();
  const root = document.getElementById("root");
  if (root === null) throw new Error("The page has no element #root.");
  createRoot(root).render(
    <StrictMode>
      <ToastProvider>{content}</ToastProvider>
    </StrictMode>,
  );
}
