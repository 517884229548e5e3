use tokio::net::TcpListener;

use super::*;

/// Answers one connection with these pieces, one write each.
async fn serve(pieces: &'static [&'static str]) -> Result<Connection> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?.to_string();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await?;
        for piece in pieces {
            stream.write_all(piece.as_bytes()).await?;
            tokio::task::yield_now().await;
        }
        Ok::<_, std::io::Error>(())
    });
    Connection::open(&address).await
}

#[tokio::test]
async fn bodies_end_by_length_or_by_chunks_however_they_are_cut() -> Result<()> {
    let mut connection = serve(&[
        "HTTP/1.1 200 OK\r\nContent-Le",
        "ngth: 5\r\n\r\nhel",
        "loHTTP/1.1 404 Not Found\r\nTransfer-Encoding: chunked\r\n\r\n3\r",
        "\nabc\r\n2\r\nde\r",
        "\n0\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 77\r\n\r\n",
        "HTTP/1.1 202 Accepted\r\nLocation: /v2/x\r\nContent-Length: 0\r\n\r\n",
    ])
    .await?;
    let mut body = Vec::new();
    let first = connection
        .answer(false, |piece| body.extend_from_slice(piece))
        .await?;
    assert_eq!(
        (first.status, first.length, body.as_slice()),
        (200, 5, &b"hello"[..])
    );
    body.clear();
    let second = connection
        .answer(false, |piece| body.extend_from_slice(piece))
        .await?;
    assert_eq!(
        (second.status, second.length, body.as_slice()),
        (404, 5, &b"abcde"[..])
    );
    let head = connection.answer(true, |_| ()).await?;
    assert_eq!((head.status, head.length), (200, 77));
    let begun = connection.answer(false, |_| ()).await?;
    assert_eq!((begun.status, begun.location.as_deref()), (202, Some("/v2/x")));
    Ok(())
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_an_error() -> Result<()> {
    let mut connection = serve(&["HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel"]).await?;
    assert!(connection.answer(false, |_| ()).await.is_err());
    Ok(())
}
