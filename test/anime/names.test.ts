import t from 'tap'
import { build } from '../build.ts'
import { loadFolder, shown, titlesCsv } from './files.ts'

t.test('genres and studios are found by name, with the ids that other reports take', async (t) => {
  const house = await build(t)
  const titles = titlesCsv(
    { Genres: 'Action, Unknown, Drama', Studios: 'Bones', Aired: '1998' },
    { Genres: 'Action, Action', Studios: 'Bones, Étoile', Aired: '2004' },
    { Genres: 'Drama', Studios: 'étoile' },
    { Genres: 'Unknown' },
  )
  t.match(await loadFolder(house, 'a', { 'anime.csv': titles }), { state: 'published', error: null })
  const genres = await shown(house, '/v1/anime/genres', 'genre', 'titles', 'first_year', 'last_year')
  t.strictSame(genres, ['Action|2|1998|2004', 'Drama|2|1998|1998'])
  const studios = await shown(house, '/v1/anime/studios?q=ETOILE', 'studio', 'titles', 'first_year')
  t.strictSame(studios, ['Étoile|1|2004', 'étoile|1|-'])
  const { body } = await house.get('/v1/anime/genres?q=act')
  const found = await shown(house, `/v1/anime/titles?genre_id=${body.data[0].genre_id}`, 'anime_id')
  t.strictSame(found, ['1', '2'])
})
