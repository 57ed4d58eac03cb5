// Makes pages nicer; every page works without it.
(() => {
  "use strict";

  const summary = document.querySelector("[data-error-summary]");
  if (summary) summary.focus();

  // Where the pages stand in one line that is moved sideways, the one that is shown stands in sight.
  const pages = document.querySelector(".work-nav");
  const shown = pages && pages.querySelector("[aria-current]");
  if (shown) pages.scrollLeft = shown.offsetLeft - (pages.clientWidth - shown.offsetWidth) / 2;

  // One press sends a form once. The button keeps its name and value, so it is not disabled but marked.
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.dataset.confirm && !window.confirm(form.dataset.confirm)) {
      event.preventDefault();
      return;
    }
    if (form.getAttribute("method") !== "post") return;
    if (form.getAttribute("aria-busy") === "true") {
      event.preventDefault();
      return;
    }
    form.setAttribute("aria-busy", "true");
    for (const button of form.querySelectorAll("button[type=submit]")) button.setAttribute("aria-disabled", "true");
    // A form that answers with a file stays on its page.
    setTimeout(() => release(form), 10000);
  });

  const release = (form) => {
    form.removeAttribute("aria-busy");
    for (const button of form.querySelectorAll("[aria-disabled]")) button.removeAttribute("aria-disabled");
  };
  // Coming back with the browser's button finds the form ready again.
  window.addEventListener("pageshow", (event) => {
    if (event.persisted) document.querySelectorAll("form[aria-busy]").forEach(release);
  });

  const grow = (area) => {
    area.style.height = "auto";
    area.style.height = `${area.scrollHeight + area.offsetHeight - area.clientHeight}px`;
  };
  for (const area of document.querySelectorAll("textarea")) {
    area.addEventListener("input", () => grow(area));
    if (area.value) grow(area);
  }

  if (navigator.clipboard) {
    for (const button of document.querySelectorAll("[data-copy]")) {
      const words = button.innerHTML;
      button.hidden = false;
      button.addEventListener("click", async () => {
        await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).value);
        button.textContent = "Copied";
        setTimeout(() => { button.innerHTML = words; }, 2000);
      });
    }
  }

  // Whom an update reaches is asked again whenever a part of the audience changes; the button stays for the impatient.
  for (const part of document.querySelectorAll("[data-reach-url]")) {
    const form = part.closest("form");
    const target = part.querySelector("[data-reach]");
    let timer = 0;
    let asked = 0;
    const count = async () => {
      const mine = ++asked;
      const query = new URLSearchParams();
      for (const field of form.elements) {
        const counts = field.name === "organization_id" || (part.contains(field) && field.name);
        if (counts && field.value && (field.type !== "checkbox" || field.checked)) query.append(field.name, field.value);
      }
      target.setAttribute("aria-busy", "true");
      try {
        const answer = await fetch(`${part.dataset.reachUrl}?${query}`);
        if (answer.ok && mine === asked) target.innerHTML = await answer.text();
      } finally {
        if (mine === asked) target.removeAttribute("aria-busy");
      }
    };
    const soon = (event) => {
      if (event.target.name !== "organization_id" && !part.contains(event.target)) return;
      clearTimeout(timer);
      timer = setTimeout(() => count().catch(() => {}), 300);
    };
    form.addEventListener("input", soon);
    form.addEventListener("change", soon);
    part.querySelector("[data-reach-button]").addEventListener("click", (event) => {
      event.preventDefault();
      clearTimeout(timer);
      count().catch(() => form.requestSubmit(event.target));
    });
  }

  // Parts that change by themselves: fetched with the page they stand in, until the server leaves the mark off.
  const keepFresh = (part) => {
    setTimeout(async () => {
      if (document.hidden || part.contains(document.activeElement)) return keepFresh(part);
      try {
        const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
        const found = answer.ok && new DOMParser().parseFromString(await answer.text(), "text/html").getElementById(part.id);
        if (!found) return keepFresh(part);
        const open = [...part.querySelectorAll("details")].map((one) => one.open);
        found.querySelectorAll("details").forEach((one, place) => { one.open = open[place] || false; });
        part.replaceWith(found);
        if (found.dataset.refresh) keepFresh(found);
      } catch {
        keepFresh(part);
      }
    }, part.dataset.refresh * 1000);
  };
  document.querySelectorAll("[data-refresh]").forEach((part) => {
    keepFresh(part);
    part.querySelectorAll("[data-reload]").forEach((link) => { link.hidden = true; });
  });

  // A link in a letter that compares subjects says which one it stood in. It is counted once and taken off the
  // address, so that a reload or a shared link does not count; nothing of the reader is sent or kept.
  const here = new URL(location.href);
  const via = here.searchParams.get("via");
  if (via) {
    here.searchParams.delete("via");
    history.replaceState(history.state, "", here);
    navigator.sendBeacon("/visits", new URLSearchParams({ via }));
  }

  // The server turns Markdown into clean HTML; the page only shows what it sends.
  for (const area of document.querySelectorAll("[data-preview-url]")) {
    const target = area.closest(".field").querySelector("[data-preview-target]");
    const token = area.form && area.form.querySelector("[name=csrf_token]");
    let timer = 0;
    let asked = 0;
    const show = async () => {
      const mine = ++asked;
      const body = new FormData();
      body.append("text", area.value);
      if (token) body.append("csrf_token", token.value);
      try {
        const answer = await fetch(area.dataset.previewUrl, { method: "POST", body });
        if (!answer.ok || mine !== asked) return;
        target.innerHTML = await answer.text();
        target.hidden = !area.value.trim();
      } catch {
        target.hidden = true;
      }
    };
    area.addEventListener("input", () => {
      clearTimeout(timer);
      timer = setTimeout(show, 400);
    });
    if (target && area.value.trim()) show();
  }
})();
