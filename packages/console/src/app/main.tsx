import { QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { queryClient } from "../api/client.ts";
import { allowEmptyHtml } from "../api/live.ts";
import { LiveProvider } from "../api/use-live.tsx";
import { applyTheme } from "../design/settings.ts";
import { ToastProvider } from "../design/toasts.tsx";
import { router } from "./router.tsx";
import "../design/base.css";
import "./shell.css";

allowEmptyHtml();
applyTheme();
const root = document.getElementById("root");
if (root === null) throw new Error("The page has no element #root.");
createRoot(root).render(
  <StrictMode>
    <QueryClientProvider client={queryClient}>
      <ToastProvider>
        <LiveProvider>
          <RouterProvider router={router} />
        </LiveProvider>
      </ToastProvider>
    </QueryClientProvider>
  </StrictMode>,
);
