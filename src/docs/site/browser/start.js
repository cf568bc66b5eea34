// The API reference: Swagger UI on what /openapi.json describes, in the colours that the reader's system asks for.

const dark = matchMedia("(prefers-color-scheme: dark)");
const follow = () => document.documentElement.classList.toggle("dark-mode", dark.matches);
follow();
dark.addEventListener("change", follow);

// @ts-expect-error The bundle before this script defines it; it comes without types.
window.ui = SwaggerUIBundle({ url: "/openapi.json", dom_id: "#ui", deepLinking: true });
