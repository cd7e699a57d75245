import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { allowEmptyHtml } from "../api/live.ts";
import { applyTheme } from "../design/settings.ts";
import { ToastProvider } from "../design/toasts.tsx";
import { StandaloneEditor } from "./standalone.tsx";
import "../design/base.css";

// The editor without a yard: served by `stackyard edit`, or by any static host.
allowEmptyHtml();
applyTheme();
const root = document.getElementById("root");
if (root === null) throw new Error("The page has no element #root.");
createRoot(root).render(
  <StrictMode>
    <ToastProvider>
      <StandaloneEditor />
    </ToastProvider>
  </StrictMode>,
);
