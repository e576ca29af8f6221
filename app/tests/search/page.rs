//! The search page, as HTML.

use crate::library;

#[tokio::test(flavor = "multi_thread")]
async fn the_search_page_works_without_a_script() {
    let (app, ids) = library().await;
    let page = |path: String| {
        let request = app.get(&path);
        async move {
            let response = request.send().await.unwrap();
            (response.status().as_u16(), response.text().await.unwrap())
        }
    };
    let (status, html) = page("/search".into()).await;
    assert_eq!(status, 200);
    for part in [
        "<form class=\"search-form\" method=\"get\" action=\"/search\"",
        "name=\"author\"",
        "value=\"methods\"",
        "href=\"/search\" aria-current=\"page\"",
    ] {
        assert!(html.contains(part), "{part}");
    }
    assert!(!html.contains("<script"), "nothing on this page needs one");

    let (status, html) =
        page("/search?q=leader+elected&top_k=1&mode=bm25&author=Ongaro".into()).await;
    assert_eq!(status, 200);
    assert!(html.contains("<mark>leader</mark>"), "{html}");
    assert!(html.contains("value=\"leader elected\"") && html.contains("value=\"Ongaro\""));
    assert!(html.contains("<option value=\"bm25\" selected>"));
    let link = |start: &str| -> String {
        let at = html
            .find(start)
            .unwrap_or_else(|| panic!("{start} in {html}"))
            + 6;
        html[at..].split('"').next().unwrap().replace("&#38;", "&")
    };
    let passage = link(&format!("href=\"/documents/{}/pages/1?passage=", ids[0]));
    let (status, printed) = page(passage.split('#').next().unwrap().to_owned()).await;
    assert_eq!(status, 200);
    assert!(
        printed.contains("<mark id=\"quote\""),
        "the passage is marked on its page"
    );
    let next = link("href=\"/search?q=leader");
    assert!(
        next.contains("offset=1") && next.contains("author=Ongaro"),
        "{next}"
    );
    let (status, second) = page(next).await;
    assert!(status == 200 && second.contains("rel=\"prev\""), "{second}");
    let (status, _) = page(link("href=\"/search?like=")).await;
    assert_eq!(status, 200);

    for (query, status, said) in [
        ("q=x&year=soon", 400, "is no year and no range of years"),
        ("q=x&section=prose", 400, "is no kind of section"),
        ("q=x&collection=none", 404, "there is no collection"),
        (
            "q=x&author=Nobody",
            200,
            "no paper in the library has an author",
        ),
        ("q=%00", 400, "the question is empty"),
        (
            "q=%3Cscript%3Ealert(1)%3C/script%3E",
            200,
            "&#60;script&#62;",
        ),
    ] {
        let (got, html) = page(format!("/search?{query}")).await;
        assert_eq!(got, status, "{query}");
        assert!(html.contains(said), "{query}: {html}");
        assert!(!html.contains("<script"), "{query}");
    }
}
